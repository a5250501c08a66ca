"""The page that shows whatever ticker its address names."""

from pathlib import Path

from mf_etl import job
from mf_etl.report.pages import page, write


def main(report_tickers: Path) -> None:
    write(page("tickers.html", here="Tickers", depth=1, title="Tickers"), report_tickers)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
