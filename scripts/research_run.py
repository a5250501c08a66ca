"""Run of a model: the labels of every row, profiles, transitions, metrics and figures."""

from pathlib import Path
from typing import Any

from mf_etl import job
from mf_etl.research.runs.requests import spec_of
from mf_etl.research.runs.run import write_run
from mf_etl.settings.steps import StepSettings


def main(
    prepared: list[Path],
    ml_dataset: Path,
    run_summary: Path,
    *,
    research: str,
    spec: dict[str, Any],
    settings: StepSettings,
    threads: int,
) -> None:
    write_run(
        prepared[0].parent,
        ml_dataset,
        research,
        spec_of(research, spec),
        run_summary.parent,
        options=settings.storage,
        threads=threads,
    )


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
