"""HMM against clusters: how the states of a run agree with a clustering."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.runs.hmm_run import write_cluster_comparison


def main(decoded_rows: Path, cluster_labels: Path, cluster_metrics: Path) -> None:
    write_cluster_comparison(decoded_rows, cluster_labels, cluster_metrics.parent)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
