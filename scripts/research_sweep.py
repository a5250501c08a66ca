"""Sweep: the rows of its cells, joined and drawn."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.runs.cells import write_sweep


def main(
    cells: list[Path], sweep_json: Path, sweep_csv: Path, sweep_figure: Path, *, research: str
) -> None:
    write_sweep(cells, research, json_path=sweep_json, csv=sweep_csv, figure=sweep_figure)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
