"""A ticker's data file: prices, indicators, states by view, events and what was wrong, as a script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.report.packed import packed, packed_days, packed_floats, packed_runs, run_starts, script
from mf_etl.report.views import FITTED_PERIODS, FLOW, NO_STATE, NOT_READY_STATE, ShownView
from mf_etl.report.words import NO_LABEL, NOT_READY

BARS = ["trade_date", "open", "high", "low", "close", "volume", "segment_no",
        "q_gap_in_calendar", "q_price_step", "q_suspicious_bar", "q_no_trade"]  # fmt: skip
"""Columns of bronze that are read."""

EVENT_MARKS = {
    "TMF burst": ("ev_tmf_burst_up", "ev_tmf_burst_down"),
    "TMF zero cross": ("ev_tmf_zero_up", "ev_tmf_zero_down"),
    "zero line respected": ("ev_tmf_respect_zero_up", "ev_tmf_respect_zero_down"),
    "respect failed": ("ev_tmf_respect_fail_down", "ev_tmf_respect_fail_up"),
    "TTI burst": ("ev_tti_burst_up", "ev_tti_burst_down"),
    "TTI zero cross": ("ev_tti_zero_up", "ev_tti_zero_down"),
}
"""What is marked on the indicators: name, the event that tells of demand, the one of supply."""

EVENTS = ["trade_date", "tmf_21", "tti_proxy_v1_21", "tmf_ready_21", "flow_state_code",
          *(column for pair in EVENT_MARKS.values() for column in pair)]  # fmt: skip
"""Columns of the events that are read."""

COUNTED = ("rows_total", "rows_valid", "rows_rejected", "price_steps", "price_spikes", "segments",
           "gaps", "suspicious_bars", "days_without_trade")  # fmt: skip
"""What is counted of a ticker's quality."""

MARKS_AT_MOST = 400
_DATE = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")


@dataclass(frozen=True)
class Labelled:
    """A ticker's labels by a model: `rows` hold trade_date, label (null is noise) and period."""

    view: ShownView
    rows: pl.DataFrame


def ticker_script(data: dict[str, Any]) -> str:
    """The data file of a ticker."""
    return script("ticker", data)


def ticker_data(
    exchange: str,
    ticker: str,
    *,
    bars: pl.DataFrame,
    events: pl.DataFrame,
    rejects: pl.DataFrame,
    quality: dict[str, Any],
    labelled: Sequence[Labelled] = (),
) -> dict[str, Any]:
    """What the page of a ticker shows, as plain values; prices and volumes are float32.

    `bars` has the columns `BARS`, `events` has `EVENTS` of the same days. Days without a defined TMF
    are `not ready`, never quiet.
    """
    days = bars["trade_date"]
    codes = np.where(
        events["tmf_ready_21"].to_numpy(), events["flow_state_code"].to_numpy(), NOT_READY
    ).astype(np.int8)
    views = [_view(FLOW, codes, bars, None)]
    for each in labelled:
        own, fitted_until = aligned(each.rows, days)
        views.append(_view(each.view, own, bars, fitted_until))
    return {
        "ticker": ticker,
        "exchange": exchange,
        "rows": bars.height,
        "days": packed_days(days),
        **{name: packed_floats(bars[name]) for name in ("open", "high", "low", "close", "volume")},
        "tmf": packed_floats(events["tmf_21"]),
        "tti": packed_floats(events["tti_proxy_v1_21"]),
        "views": views,
        "events": [
            [name, *(packed(events[column].fill_null(False).arg_true(), "<u4") for column in pair)]
            for name, pair in EVENT_MARKS.items()
        ],
        "marks": _marks(bars, rejects, quality),
        "quality": _quality(bars, quality),
    }


def without_rows(exchange: str, ticker: str, why: str) -> dict[str, Any]:
    """What the page of a ticker shows that could not be built."""
    nothing = dict.fromkeys(COUNTED, 0)
    return {
        "ticker": ticker,
        "exchange": exchange,
        "rows": 0,
        "marks": [],
        "quality": {"status": "missing", "message": why, "source_file": ticker, **nothing},
    }


def aligned(rows: pl.DataFrame, days: pl.Series) -> tuple[NDArray[np.int8], date | None]:
    """The label of each of `days` (`NO_LABEL` where there is none), and the last day fitted on.

    A null label, or one below 0, is noise. Without a split every row was fitted on.
    """
    found = (
        days.alias("trade_date")
        .to_frame()
        .join(rows.with_columns(is_row=True), on="trade_date", how="left", maintain_order="left")
        .select(
            pl.when(pl.col("is_row"))
            .then(pl.col("label").cast(pl.Int8).fill_null(NOT_READY).clip(lower_bound=NOT_READY))
            .otherwise(NO_LABEL)
            .cast(pl.Int8)
        )
        .to_series()
    )
    fitted = rows.filter(pl.col("period").is_in(FITTED_PERIODS))["trade_date"].max()
    return found.to_numpy(), fitted if isinstance(fitted, date) else None


def _view(
    view: ShownView, codes: NDArray[np.int8], bars: pl.DataFrame, fitted_until: date | None
) -> dict[str, Any]:
    states = view.states
    known = {state.code for state in states}
    for state in (NOT_READY_STATE, NO_STATE):
        if state.code not in known and (codes == state.code).any():
            states = (*states, state)
    return view.as_data() | {
        "states": [[s.code, s.name, s.light, s.dark] for s in states],
        "runs": packed_runs(codes),
        "table": _by_state(codes, bars["segment_no"].to_numpy(), [s.code for s in states]),
        "fitted_until": fitted_until.isoformat() if fitted_until else None,
    }


def _by_state(
    codes: NDArray[np.int8], segments: NDArray[np.int16], order: Sequence[int]
) -> list[list[Any]]:
    """Days, share, runs, mean and longest run of each state; a run ends with its segment."""
    keys = codes.astype(np.int64) + 1000 * segments.astype(np.int64)
    starts = run_starts(keys)
    lengths = np.diff(np.append(starts, len(codes)))
    found = []
    for code in order:
        own = lengths[codes[starts] == code]
        days = int(own.sum())
        found.append(
            [code, days, days / max(len(codes), 1), len(own),
             float(own.mean()) if len(own) else None, int(own.max()) if len(own) else None]
        )  # fmt: skip
    return found


def _marks(bars: pl.DataFrame, rejects: pl.DataFrame, quality: dict[str, Any]) -> list[list[Any]]:
    """What is marked on the axis of days: kind, day, what it is; the first few hundred of a kind."""
    found: list[list[Any]] = []
    lines = rejects.select("source_line_no", "raw_line", "reasons").head(MARKS_AT_MOST).iter_rows()
    for line_number, text, reasons in lines:
        what = f"line {line_number:,} rejected: {', '.join(reasons).replace('_', ' ')}"
        found.append(["reject", _date_in(text), what])
    for step in quality["price_steps"][:MARKS_AT_MOST]:
        found.append(["step", step["trade_date"], _step_told(step)])
    for spike in quality["price_spikes"][:MARKS_AT_MOST]:
        found.append(["spike", spike["trade_date"], f"close {spike['close']:g} stands alone"])
    for before, after in zip(quality["segments"], quality["segments"][1:], strict=False):
        what = f"segment {after['segment_no']} begins; the last ended {before['last_trade_date']}"
        found.append(["segment", after["first_trade_date"], what])
    for day, before in _gaps(bars).head(MARKS_AT_MOST).iter_rows():
        found.append(["gap", day.isoformat(), f"no bar for {(day - before).days} days before"])
    return found


def _gaps(bars: pl.DataFrame) -> pl.DataFrame:
    """Days after a gap of the calendar within a segment, and the days before it."""
    within = pl.col("segment_no") == pl.col("segment_no").shift()
    return (
        bars.select(
            "trade_date",
            before=pl.col("trade_date").shift(),
            is_gap=pl.col("q_gap_in_calendar") & within,
        )
        .filter("is_gap")
        .drop("is_gap")
    )


def _step_told(step: dict[str, Any]) -> str:
    factor = "beyond all numbers" if step["factor"] is None else f"{step['factor']:.3g}"
    ratio = f", near a split of {step['split_ratio']}" if step["split_ratio"] else ""
    block = ", taken back later" if step["block"] else ""
    return f"price step, factor {factor}{ratio}{block}"


def _date_in(line: str) -> str | None:
    """The first date of a raw line that is one."""
    for year, month, day in _DATE.findall(line):
        try:
            return date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            continue
    return None


def _quality(bars: pl.DataFrame, quality: dict[str, Any]) -> dict[str, Any]:
    copied = ("status", "message", "source_file", "rows_total", "rows_valid", "rows_rejected")
    counts = [len(quality[name]) for name in ("price_steps", "price_spikes", "segments")]
    counts.append(_gaps(bars).height)
    counts += [int(bars[name].sum()) for name in ("q_suspicious_bar", "q_no_trade")]
    return {name: quality[name] for name in copied} | dict(zip(COUNTED[3:], counts, strict=True))
