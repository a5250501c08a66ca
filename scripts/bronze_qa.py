"""Bronze QA: counts by exchange and year, the tickers to look at, and the checks."""

from pathlib import Path

import polars as pl

from mf_etl import job
from mf_etl.io import write_csv, write_json, write_parquet
from mf_etl.qa import bronze
from mf_etl.qa.checks import Thresholds, bronze_checks
from mf_etl.qa.summary import read_summaries
from mf_etl.qa.verdict import overall
from mf_etl.schemas.universe_tables import BY_EXCHANGE, ROWS_BY_YEAR
from mf_etl.settings.steps import QaSettings


def main(
    bronze_summaries: list[Path],
    symbol_master: Path,
    bronze_sanity_summary: Path,
    bronze_sanity_by_exchange: Path,
    bronze_sanity_by_exchange_csv: Path,
    bronze_rows_by_year: Path,
    bronze_rows_by_year_csv: Path,
    problem_tickers: Path,
    problem_tickers_csv: Path,
    *,
    settings: QaSettings,
) -> None:
    summaries = read_summaries(bronze_summaries)
    master = pl.read_parquet(symbol_master, glob=False)
    exchanges, years = bronze.by_exchange(master), bronze.rows_by_year(summaries)
    BY_EXCHANGE.write(exchanges, bronze_sanity_by_exchange, settings.storage)
    write_csv(exchanges, bronze_sanity_by_exchange_csv)
    ROWS_BY_YEAR.write(years, bronze_rows_by_year, settings.storage)
    write_csv(years, bronze_rows_by_year_csv)
    problems = bronze.problem_tickers(master)
    write_parquet(problems, problem_tickers, settings.storage)
    write_csv(problems, problem_tickers_csv)
    thresholds = Thresholds(**settings.qa.thresholds)
    checks = bronze_checks(summaries, thresholds)
    figures = bronze.bronze_summary(summaries, master, thresholds)
    write_json({"verdict": overall(checks), "checks": checks, **figures}, bronze_sanity_summary)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
