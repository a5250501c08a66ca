"""HMM against clusters: how the states of a run, known on the day, agree with a clustering."""

from pathlib import Path

import polars as pl

from mf_etl import job
from mf_etl.io import write_csv, write_json
from mf_etl.research.evaluation.agreement import crosstab


def main(
    decoded_rows: Path, cluster_labels: Path, cluster_crosstab: Path, cluster_metrics: Path
) -> None:
    states, clusters = (
        pl.scan_parquet(path, glob=False) for path in (decoded_rows, cluster_labels)
    )
    table, metrics = crosstab(states, clusters, "hmm_state")
    write_csv(table, cluster_crosstab)
    write_json(metrics, cluster_metrics)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
