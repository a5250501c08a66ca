"""A derived layer over the universe: results by ticker, figures, and checks."""

from __future__ import annotations

from typing import Any

import polars as pl

from mf_etl.qa.checks import null_shares, ranges, state_shares
from mf_etl.qa.summary import statistics_of
from mf_etl.schemas.universe_tables import TICKER_RESULTS

TOP = 20
_PAIR = ["exchange", "ticker"]


def ticker_results(above: pl.DataFrame, layer: pl.DataFrame) -> pl.DataFrame:
    """Rows in, rows out, path, success and error by ticker (`TICKER_RESULTS`)."""
    rows_in = above.select(*_PAIR, rows_in="rows")
    return (
        layer.join(rows_in, on=_PAIR, how="left")
        .rename({"rows": "rows_out"})
        .select(TICKER_RESULTS.names)
        .sort("ticker", "exchange")
    )


def run_summary(results: pl.DataFrame) -> dict[str, Any]:
    """The figures of a layer's results."""
    failed = results.filter(~pl.col("success"))
    return {
        "tickers": results.height,
        "succeeded": int(results["success"].sum()),
        "failed": failed.height,
        "rows_in": int(results["rows_in"].sum()),
        "rows_out": int(results["rows_out"].sum()),
        "tickers_without_rows": int((results["rows_out"] == 0).sum()),
        "failures": failed.select("ticker", "exchange", "error").to_dicts(),
    }


def figures(layer: pl.DataFrame) -> dict[str, Any]:
    """Null shares, ranges, counts of set flags, state shares, and the largest tickers."""
    statistics = statistics_of(layer)
    flags = statistics.filter(pl.col("statistic") == "true")
    totals = flags.group_by("column").agg(pl.col("value").sum()).sort("column")
    largest = (
        layer.filter("success")
        .sort("rows", "ticker", "exchange", descending=[True, False, False])
        .head(TOP)
    )
    return {
        "tickers": int(layer["success"].sum()),
        "rows": int(layer["rows"].sum()),
        "null_shares_after_warmup": null_shares(layer),
        "ranges": ranges(statistics),
        "rows_by_flag": {name: int(count) for name, count in totals.rows()},
        "state_shares": state_shares(statistics),
        "top_tickers_by_rows": largest.select("ticker", "exchange", "rows").to_dicts(),
    }
