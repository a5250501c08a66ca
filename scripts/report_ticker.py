"""The data file of a ticker's chart."""

from pathlib import Path
from typing import Any

from mf_etl import job
from mf_etl.qa.summary import read_summaries, why_missing
from mf_etl.report.pages import write
from mf_etl.report.reading import RunFiles, TickerFiles, read_ticker, views_of_runs
from mf_etl.report.ticker import ticker_script, without_rows


def main(
    summary: list[Path],
    report_ticker: Path,
    *,
    exchange: str,
    ticker: str,
    files: dict[str, str],
    runs: list[dict[str, Any]],
) -> None:
    if error := why_missing(read_summaries(summary), exchange, ticker):
        data = without_rows(exchange, ticker, error)
    else:
        views = views_of_runs([RunFiles(**run) for run in runs])
        data = read_ticker(exchange, ticker, TickerFiles(**files), views)
    write(ticker_script(data), report_ticker)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
