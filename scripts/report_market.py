"""The page of the market and the data of its chart."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl import job
from mf_etl.qa.states import labels_by_day
from mf_etl.report.market import fitted_note, market_script, market_values
from mf_etl.report.pages import page, write
from mf_etl.report.reading import RunFiles, views_of_runs
from mf_etl.report.views import FLOW


def main(
    flow_states_by_day: Path,
    bronze_sanity_summary: Path,
    qa_verdict: Path,
    events_sanity_summary: Path,
    bronze_rows_by_year: Path,
    problem_tickers: Path,
    file_manifest_current: Path,
    report_market: Path,
    report_market_data: Path,
    *,
    runs: list[dict[str, Any]],
) -> None:
    views = [(FLOW, pl.read_parquet(flow_states_by_day, glob=False), "")]
    for file, view, shown in views_of_runs([RunFiles(**run) for run in runs]):
        if view.seen == "past":
            views.append((shown, labels_by_day(file, view.column), fitted_note(file)))
    write(market_script(views), report_market_data)
    summaries = (bronze_sanity_summary, qa_verdict, events_sanity_summary)
    told = [json.loads(path.read_text(encoding="utf-8")) for path in summaries]
    tables = (bronze_rows_by_year, problem_tickers, file_manifest_current)
    read = [pl.read_parquet(path, glob=False) for path in tables]
    values = market_values(*told, *read)
    write(page("market.html", here="Market", **values), report_market)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
