"""Which tickers get a chart file."""

from pathlib import Path

import polars as pl

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.report.selection import selected
from mf_etl.settings.steps import ReportSettings


def main(
    symbol_master: Path, problem_tickers: Path, report_selection: Path, *, settings: ReportSettings
) -> None:
    master = pl.read_parquet(symbol_master, glob=False)
    problems = pl.read_parquet(problem_tickers, glob=False)
    write_json(selected(settings.report.tickers, master, problems), report_selection)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
