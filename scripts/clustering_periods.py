"""Clustering periods: profiles of the train and the test period of a finished run."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.runs.cluster_run import write_periods
from mf_etl.settings.steps import StepSettings


def main(
    prepared: list[Path],
    clustered_dataset: Path,
    *,
    settings: StepSettings,
    threads: int,
) -> None:
    write_periods(
        prepared[0].parent,
        clustered_dataset,
        clustered_dataset.parent,
        options=settings.storage,
        threads=threads,
    )


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
