"""Clustering run: a model, the cluster of every row, profiles, metrics and figures."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.runs.cluster_run import write_run
from mf_etl.research.runs.requests import ClusteringRun
from mf_etl.settings.steps import StepSettings


def main(
    prepared: list[Path],
    run_summary: Path,
    *,
    request: ClusteringRun,
    settings: StepSettings,
    threads: int,
) -> None:
    write_run(
        prepared[0].parent,
        request.clustering,
        run_summary.parent,
        options=settings.storage,
        threads=threads,
    )


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
