"""Figures of a validation."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.validation.drawing import write_figures
from mf_etl.research.validation.request import ValidationRequest


def main(
    tables: list[Path], figure_intervals: Path, *, dataset: str, asked: ValidationRequest
) -> None:
    named = {path.stem: path for path in tables}
    write_figures(named, figure_intervals.parent, dataset, asked)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
