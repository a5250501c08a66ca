"""Cell of a sweep: one fit, as a row with its status."""

from pathlib import Path
from typing import Any

from mf_etl import job
from mf_etl.research.runs.cells import write_cell
from mf_etl.research.runs.requests import spec_of


def main(
    prepared: list[Path],
    ml_dataset: Path,
    cell_row: Path,
    *,
    research: str,
    spec: dict[str, Any],
    threads: int,
) -> None:
    asked = spec_of(research, spec)
    folder = prepared[0].parent
    write_cell(folder, ml_dataset, research, asked, cell_row, threads=threads)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
