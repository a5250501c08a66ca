"""Checks with verdicts: what is measured, against which threshold, how bad it is, and who it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from mf_etl.qa.coverage import coverage_steps
from mf_etl.qa.summary import flags_of, statistics_of
from mf_etl.schemas.declaration import Table

Severity = Literal["warn", "fail"]

# Bars before a column can be defined; nulls beyond them count.
WARMUP_BARS = {
    "ret_1d": 1,
    "ret_20d": 20,
    "atr_14": 14,
    "vol_ratio_20": 19,
    "tmf_21": 20,
    "tti_proxy_v1_21": 20,
    "tmf_ema_5": 24,
}
# A share of few rows says little.
MIN_ROWS = 250
MIN_ROWS_FOR_EVENTS = 10_000
EXAMPLES = 20
# Rounding, of float32 too, may carry a bounded ratio this far past its bound.
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Thresholds:
    """More than this is not ok; see the settings section `qa`."""

    missing_tickers: int = 0
    unreadable_files: int = 0
    empty_share: float = 0.05
    rejected_share: float = 0.05
    price_spikes: int = 5
    price_steps: int = 5
    price_blocks: int = 0
    coverage_share: float = 0.02
    coverage_tickers: int = 20
    null_share: float = 0.05
    state_share: float = 0.9


def bronze_checks(bronze: pl.DataFrame, thresholds: Thresholds) -> list[dict[str, Any]]:
    """Checks of the bronze summary: missing, unreadable, empty, rejected, prices, coverage."""
    built = bronze.filter("success")
    share = pl.col("rows_rejected") / pl.col("rows_total")
    unreadable = _named(built.filter(pl.col("status") == "unreadable"))
    empty = _named(built.filter(pl.col("status") == "empty"))
    rejecting = built.filter((pl.col("rows_total") > 0) & (share > thresholds.rejected_share))
    spiky = built.filter(pl.col("price_spikes") > thresholds.price_spikes)
    blocked = built.filter(pl.col("price_blocks") > thresholds.price_blocks)
    is_step = (pl.col("column") == "q_price_step") & (pl.col("value") > thresholds.price_steps)
    stepping = flags_of(built).filter(is_step)
    dates = coverage_steps(
        built, share=thresholds.coverage_share, tickers=thresholds.coverage_tickers
    )
    named = [f"{d['trade_date']}: {d['begin']} begin, {d['end']} end" for d in dates]
    rejected, total = (int(built[name].sum()) for name in ("rows_rejected", "rows_total"))
    return [
        _missing(bronze, thresholds),
        _check(
            "unreadable_files", "warn", len(unreadable), thresholds.unreadable_files, unreadable
        ),
        _check(
            "empty_share", "warn", _share(len(empty), built.height), thresholds.empty_share, empty
        ),
        _check(
            "rejected_share",
            "fail",
            _share(rejected, total),
            thresholds.rejected_share,
            _named(rejecting),
        ),
        _check("tickers_with_many_rejects", "warn", rejecting.height, 0, _named(rejecting)),
        _check("tickers_with_price_spikes", "warn", spiky.height, 0, _named(spiky)),
        _check("tickers_with_price_steps", "warn", stepping.height, 0, _named(stepping)),
        _check("tickers_with_price_blocks", "warn", blocked.height, 0, _named(blocked)),
        _check("coverage_steps", "warn", len(dates), 0, named),
    ]


def layer_checks(
    table: Table, above: pl.DataFrame, layer: pl.DataFrame, thresholds: Thresholds
) -> list[dict[str, Any]]:
    """Checks of any derived layer: missing tickers, rows, bounds, nulls of key columns."""
    rows = layer.join(above, on=["exchange", "ticker"], suffix="_above").filter(
        pl.col("success") & pl.col("success_above")
    )
    uneven = _named(rows.filter(pl.col("rows") != pl.col("rows_above")))
    statistics = statistics_of(layer)
    outside = _outside_bounds(table, statistics)
    nulls = _null_shares(statistics).filter(pl.col("share") > thresholds.null_share)
    return [
        _missing(layer, thresholds),
        _check("tickers_with_other_row_counts", "fail", len(uneven), 0, uneven),
        _check("columns_out_of_bounds", "fail", outside["column"].n_unique(), 0, _named(outside)),
        _check("tickers_with_many_nulls", "warn", nulls["ticker"].n_unique(), 0, _named(nulls)),
    ]


def event_checks(events: pl.DataFrame, thresholds: Thresholds) -> list[dict[str, Any]]:
    """Checks of the event grammar over the universe: events that never happen, one state only."""
    statistics = statistics_of(events)
    counted = statistics.filter(
        (pl.col("statistic") == "true") & pl.col("column").str.starts_with("ev_")
    )
    totals = counted.group_by("column").agg(pl.col("value").sum()).sort("column")
    is_large = events["rows"].sum() >= MIN_ROWS_FOR_EVENTS
    silent = totals.filter(pl.col("value") == 0)["column"].to_list() if is_large else []
    states = state_shares(statistics)
    largest = max(states.values(), default=0.0) if is_large else 0.0
    return [
        _check("events_that_never_happen", "warn", len(silent), 0, silent),
        _check("largest_state_share", "warn", largest, thresholds.state_share, []),
    ]


def state_shares(statistics: pl.DataFrame) -> dict[str, float]:
    """Share of rows by flow state, over all tickers."""
    counts = (
        statistics.filter(
            (pl.col("statistic") == "counts") & (pl.col("column") == "flow_state_code")
        )
        .group_by("key")
        .agg(pl.col("value").sum())
        .sort("key")
    )
    total = counts["value"].sum()
    return {key: value / total for key, value in counts.rows()} if total else {}


def flag_totals(bronze: pl.DataFrame) -> dict[str, int]:
    """Rows by hard and warning flag, over all tickers."""
    totals = flags_of(bronze).group_by("column", maintain_order=True).agg(pl.col("value").sum())
    return {name: int(value) for name, value in totals.rows()}


def null_shares(layer: pl.DataFrame) -> dict[str, float]:
    """Share of nulls beyond the warm-up by key column, over all tickers."""
    nulls = _null_shares(statistics_of(layer), min_rows=0)
    totals = nulls.group_by("column").agg(pl.col("late_nulls").sum(), pl.col("late_rows").sum())
    return {name: _share(late, rows) for name, late, rows in totals.sort("column").rows()}


def ranges(statistics: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Least and greatest value by column, over all tickers."""
    low = statistics.filter(pl.col("statistic") == "min")
    high = statistics.filter(pl.col("statistic") == "max")
    lows = dict(low.group_by("column").agg(pl.col("value").min()).rows())
    highs = dict(high.group_by("column").agg(pl.col("value").max()).rows())
    return {name: {"min": lows[name], "max": highs[name]} for name in sorted(lows)}


def _missing(layer: pl.DataFrame, thresholds: Thresholds) -> dict[str, Any]:
    absent = _named(layer.filter(~pl.col("success")))
    return _check("missing_tickers", "fail", len(absent), thresholds.missing_tickers, absent)


def _outside_bounds(table: Table, statistics: pl.DataFrame) -> pl.DataFrame:
    bounds = [
        (column.name, statistic, float(bound))
        for column in table.columns
        if column.bounds
        for statistic, bound in zip(("min", "max"), column.bounds, strict=True)
        if bound is not None
    ]
    declared = pl.DataFrame(
        bounds,
        schema={"column": pl.String, "statistic": pl.String, "bound": pl.Float64},
        orient="row",
    )
    below = (pl.col("statistic") == "min") & (pl.col("value") < pl.col("bound") - TOLERANCE)
    above = (pl.col("statistic") == "max") & (pl.col("value") > pl.col("bound") + TOLERANCE)
    return statistics.join(declared, on=["column", "statistic"]).filter(below | above)


def _null_shares(statistics: pl.DataFrame, min_rows: int = MIN_ROWS) -> pl.DataFrame:
    nulls = statistics.filter(
        (pl.col("statistic") == "nulls") & pl.col("column").is_in(list(WARMUP_BARS))
    )
    pair = ["exchange", "ticker"]
    segments = statistics.filter(
        (pl.col("statistic") == "counts") & (pl.col("column") == "segment_no")
    ).select(*pair, segment_rows="value")
    warmup = pl.col("column").replace_strict(WARMUP_BARS, return_dtype=pl.Int64, default=0)
    return (
        nulls.join(segments, on=pair)
        .group_by(*pair, "column", maintain_order=True)
        .agg(
            nulls=pl.col("value").first(),
            rows=pl.col("segment_rows").sum(),
            # Every segment begins with a warm-up of its own.
            early_rows=pl.min_horizontal(warmup, "segment_rows").sum(),
        )
        .filter(pl.col("rows") >= min_rows)
        .with_columns(
            late_rows=pl.col("rows") - pl.col("early_rows"),
            late_nulls=(pl.col("nulls") - pl.col("early_rows")).clip(lower_bound=0),
        )
        .with_columns(share=pl.col("late_nulls") / pl.col("late_rows"))
    )


def _named(rows: pl.DataFrame) -> list[str]:
    pairs = rows.select("ticker", "exchange").unique().sort("ticker", "exchange").rows()
    return [f"{ticker} ({exchange})" for ticker, exchange in pairs]


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _check(
    name: str, severity: Severity, value: float, threshold: float, affected: Sequence[str]
) -> dict[str, Any]:
    return {
        "check": name,
        "result": severity if value > threshold else "ok",
        "severity": severity,
        "value": value,
        "threshold": threshold,
        "affected": len(affected),
        "examples": list(affected[:EXAMPLES]),
    }
