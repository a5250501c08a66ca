"""Stability: how far the labels of several seeds are the same."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.runs.stability import join_seeds
from mf_etl.settings.steps import StepSettings


def main(
    seeds: list[Path], stability_summary: Path, *, research: str, settings: StepSettings
) -> None:
    folders = [path.parent for path in seeds]
    join_seeds(folders, research, stability_summary.parent, options=settings.storage)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
