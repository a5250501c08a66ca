"""Bronze over the universe: symbol master, counts, and the tickers to look at."""

from __future__ import annotations

from typing import Any

import polars as pl

from mf_etl.qa.checks import Thresholds, flag_totals
from mf_etl.qa.coverage import coverage_steps
from mf_etl.qa.summary import flags_of, statistics_of
from mf_etl.schemas.bronze_ohlcv import COUNTED_WARNINGS, HARD_FLAGS, WARNING_FLAGS
from mf_etl.schemas.universe_tables import BY_EXCHANGE, ROWS_BY_YEAR, SYMBOL_MASTER

TOP = 20
_PAIR = ["exchange", "ticker"]


def symbol_master(bronze: pl.DataFrame) -> pl.DataFrame:
    """One `SYMBOL_MASTER` row a ticker from the bronze summary, missing tickers included."""
    flags = [*HARD_FLAGS, *WARNING_FLAGS]
    counts = flags_of(bronze).pivot("column", index=_PAIR, values="value")
    told = statistics_of(bronze).filter(pl.col("statistic").is_in(["min", "max", "mean"]))
    values = (
        told.with_columns(name=pl.col("statistic") + "_" + pl.col("column"))
        .filter(pl.col("name").is_in(["min_low", "max_high", "mean_volume"]))
        .pivot("name", index=_PAIR, values="value")
    )
    joined = bronze.join(counts, on=_PAIR, how="left").join(values, on=_PAIR, how="left")
    lacking = [
        pl.lit(None, pl.Float64).alias(name)
        for name in (*flags, "min_low", "max_high", "mean_volume")
        if name not in joined.columns
    ]
    return (
        joined.with_columns(lacking)
        .with_columns(pl.col(flags).cast(pl.Int64))
        .with_columns(
            pl.col("status").fill_null("missing"),
            message=pl.coalesce("error", "message"),
            rows_valid=pl.col("rows"),
            warnings=pl.sum_horizontal(*COUNTED_WARNINGS, ignore_nulls=False),
            lowest_price=pl.col("min_low"),
            highest_price=pl.col("max_high"),
        )
        .select(SYMBOL_MASTER.names)
        .sort("ticker", "exchange")
    )


def by_exchange(master: pl.DataFrame) -> pl.DataFrame:
    """Counts of the symbol master by exchange (`BY_EXCHANGE`)."""

    def having(status: str) -> pl.Expr:
        return (pl.col("status") == status).sum().cast(pl.Int64)

    counted = ("rows_total", "rows_valid", "rows_rejected", "warnings")
    return (
        master.group_by("exchange")
        .agg(
            tickers=(pl.col("status") != "missing").sum().cast(pl.Int64),
            **{status: having(status) for status in ("missing", "empty", "unreadable")},
            **{name: pl.col(name).sum() for name in counted},
            first_trade_date=pl.col("first_trade_date").min(),
            last_trade_date=pl.col("last_trade_date").max(),
        )
        .select(BY_EXCHANGE.names)
        .sort("exchange")
    )


def rows_by_year(bronze: pl.DataFrame) -> pl.DataFrame:
    """Valid bars by exchange and year (`ROWS_BY_YEAR`)."""
    years = statistics_of(bronze).filter(pl.col("statistic") == "years")
    return (
        years.group_by("exchange", year=pl.col("key").cast(pl.Int32))
        .agg(tickers=pl.len().cast(pl.Int64), rows=pl.col("value").sum().cast(pl.Int64))
        .select(ROWS_BY_YEAR.names)
        .sort("exchange", "year")
    )


def problem_tickers(master: pl.DataFrame) -> pl.DataFrame:
    """The tickers with anything to look at, worst first: missing, unreadable, rejects, warnings."""
    rank = pl.col("status").replace_strict(
        {"missing": 0, "unreadable": 1, "empty": 2}, default=3, return_dtype=pl.Int8
    )
    noted = (
        (pl.col("status") != "ok")
        | (pl.col("rows_rejected") > 0)
        | (pl.col("warnings") > 0)
        | (pl.col("price_spikes") > 0)
    )
    return (
        master.filter(noted)
        .with_columns(rank=rank)
        .sort(
            ["rank", "rows_rejected", "warnings", "ticker", "exchange"],
            descending=[False, True, True, False, False],
            nulls_last=True,
        )
        .drop("rank")
    )


def bronze_summary(
    bronze: pl.DataFrame, master: pl.DataFrame, thresholds: Thresholds
) -> dict[str, Any]:
    """The figures of bronze as plain values."""
    first, last = (
        master.select(pl.col("first_trade_date").min(), pl.col("last_trade_date").max())
        .cast(pl.String)
        .row(0)
    )
    return {
        "tickers": int((master["status"] != "missing").sum()),
        "rows_total": int(master["rows_total"].sum()),
        "rows_valid": int(master["rows_valid"].sum()),
        "rows_rejected": int(master["rows_rejected"].sum()),
        "first_trade_date": first,
        "last_trade_date": last,
        "flags": flag_totals(bronze),
        "coverage_steps": coverage_steps(
            bronze, share=thresholds.coverage_share, tickers=thresholds.coverage_tickers
        ),
        "tickers_of_several_segments": int((master["segments"] > 1).sum()),
        "files_missing": _tickers(master, "missing"),
        "files_empty": _tickers(master, "empty"),
        "files_unreadable": _tickers(master, "unreadable"),
        "top_tickers_by_rows": _top(master, "rows_valid"),
        "top_tickers_by_rejects": _top(master, "rows_rejected"),
        "top_tickers_by_warnings": _top(master, "warnings"),
        "longest_spans_days": _top(
            master.with_columns(
                days=(pl.col("last_trade_date") - pl.col("first_trade_date")).dt.total_days()
            ),
            "days",
        ),
    }


def _tickers(master: pl.DataFrame, status: str) -> list[str]:
    chosen = master.filter(pl.col("status") == status)
    return [
        f"{ticker} ({exchange})" for ticker, exchange in chosen.select("ticker", "exchange").rows()
    ]


def _top(master: pl.DataFrame, column: str) -> list[dict[str, Any]]:
    chosen = (
        master.filter(pl.col(column) > 0)
        .sort(column, "ticker", "exchange", descending=[True, False, False])
        .head(TOP)
    )
    return chosen.select("ticker", "exchange", column).to_dicts()
