"""The list of tickers that the search of every page reads."""

import json
from pathlib import Path

import polars as pl

from mf_etl import job
from mf_etl.report.market import tickers_script
from mf_etl.report.pages import write


def main(symbol_master: Path, report_selection: Path, report_ticker_list: Path) -> None:
    charted = json.loads(report_selection.read_text(encoding="utf-8"))
    master = pl.read_parquet(symbol_master, glob=False)
    write(tickers_script(master, charted), report_ticker_list)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
