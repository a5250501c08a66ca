"""Clustering periods: the train and the test part of a finished run's profile."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.runs.run import write_periods
from mf_etl.settings.steps import StepSettings


def main(profile: Path, *, settings: StepSettings) -> None:
    write_periods(profile, profile.parent, options=settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
