"""Gold events: Event Grammar v1 over the indicators of one ticker, and the flow states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mf_etl.schemas.gold_events import (
    BARS_SINCE,
    CALC_VERSION,
    FLOW_STATES,
    GOLD_EVENTS,
    SCHEMA_VERSION,
)
from mf_etl.segments import by_segment
from mf_etl.series import bars_since, lag, rolling_count

PASSED_ON = (
    "ticker", "exchange", "trade_date", "trade_dt", "segment_no", "close", "volume", "tmf_21",
    "tti_proxy_v1_21", "tr", "atr_14", "quality_warn_count", "tmf_ready_21", "tmf_sign",
    "tmf_slope_1", "tmf_slope_5", "tmf_abs", "tmf_above_zero", "tmf_below_zero",
    "tti_proxy_ready_21", "tti_proxy_sign",
)  # fmt: skip
INDICATOR_COLUMNS = (
    *PASSED_ON, "run_id", "tmf_zero_cross_up", "tmf_zero_cross_down",
    "tti_proxy_zero_cross_up", "tti_proxy_zero_cross_down",
)  # fmt: skip

# S1 and S3 last this many bars after the zero cross that began them.
EARLY_BARS = 3


@dataclass(frozen=True, slots=True)
class Grammar:
    """Parameters of the grammar, in bars and in units of the indicator."""

    respect_fail_window: int = 10
    hold_consecutive_bars: int = 5
    burst_abs_threshold: float = 0.15
    burst_slope_threshold: float = 0.05


@by_segment
def event_series(indicators: pl.DataFrame, *, grammar: Grammar, run_id: str) -> pl.DataFrame:
    """Events, bars since them, activity and flow state, one row per bar.

    Causal: a pivot at row t − 1 is an event on row t, which confirms it. Each segment begins anew.
    Events are false where they cannot be told. Computed from the stored indicators
    (`INDICATOR_COLUMNS`, one ticker in ascending, unique trade_date order), so a reader of both
    files can check every event; gives `GOLD_EVENTS`.
    """
    m, t = (
        indicators.get_column(name).to_numpy().astype(np.float64)
        for name in ("tmf_21", "tti_proxy_v1_21")
    )
    slope = indicators.get_column("tmf_slope_1").to_numpy().astype(np.float64)
    crosses = {
        name: indicators.get_column(column).to_numpy()
        for name, column in {
            "tmf_zero_up": "tmf_zero_cross_up",
            "tmf_zero_down": "tmf_zero_cross_down",
            "tti_zero_up": "tti_proxy_zero_cross_up",
            "tti_zero_down": "tti_proxy_zero_cross_down",
        }.items()
    }
    events = (
        crosses
        | _respects(m, slope, crosses, grammar)
        | _bursts_and_holds("tmf", m, slope, grammar)
        | _bursts_and_holds("tti", t, t - lag(t), grammar)
    )
    since = {name: bars_since(events[name]) for name in BARS_SINCE}
    activity = _activity(events)
    state = flow_state(m, events, since, activity)
    values = {
        **{name: indicators.get_column(name) for name in PASSED_ON},
        **{f"ev_{name}": event for name, event in events.items()},
        **{f"bs_{name}": bars for name, bars in since.items()},
        **activity,
        "flow_state_code": state,
        "flow_state_label": pl.Series(state).replace_strict(FLOW_STATES, return_dtype=pl.String),
        "event_schema_version": SCHEMA_VERSION,
        "event_calc_version": CALC_VERSION,
        "run_id": run_id,
    }
    return GOLD_EVENTS.frame(values, indicators.height)


def flow_state(
    m: np.ndarray,
    events: dict[str, np.ndarray],
    since: dict[str, np.ndarray],
    activity: dict[str, np.ndarray],
) -> np.ndarray:
    """Seed state model v1: code 0 to 4 (int8), the first of S2, S4, S1, S3 that matches, else S0.

    `m` is undefined where TMF is not ready, and then neither side matches.
    """
    long_20, short_20 = activity["tmf_long_events_20"], activity["tmf_short_events_20"]
    persistent_demand = (m > 0) & (events["tmf_hold_pos"] | (long_20 > short_20 + 1))
    persistent_supply = (m < 0) & (events["tmf_hold_neg"] | (short_20 > long_20 + 1))
    early_demand = (m > 0) & _any_event(events, "up", since["tmf_zero_up"])
    early_supply = (m < 0) & _any_event(events, "down", since["tmf_zero_down"])
    conditions = [persistent_demand, persistent_supply, early_demand, early_supply]
    return np.select(conditions, [2, 4, 1, 3], default=0).astype(np.int8)


def _any_event(
    events: dict[str, np.ndarray], way: str, since_zero: np.ndarray
) -> npt.NDArray[np.bool_]:
    burst, respect = events[f"tmf_burst_{way}"], events[f"tmf_respect_zero_{way}"]
    # A cross on the row itself is zero bars ago.
    any_event: npt.NDArray[np.bool_] = burst | respect | (since_zero <= EARLY_BARS)
    return any_event


def _respects(
    m: np.ndarray, slope: np.ndarray, crosses: dict[str, np.ndarray], grammar: Grammar
) -> dict[str, np.ndarray]:
    """Pivots, respected zero lines, and respects that fail by a cross soon after."""
    m_1, m_2 = lag(m), lag(m, 2)
    pivot_low = (m_2 > m_1) & (m_1 < m)
    pivot_high = (m_2 < m_1) & (m_1 > m)
    respect_up = pivot_low & (m_1 > 0) & (m > 0) & (slope > 0)
    respect_down = pivot_high & (m_1 < 0) & (m < 0) & (slope < 0)
    window = grammar.respect_fail_window
    # Bars since the last respect on the rows before this one: 0 means the row just before.
    return {
        "tmf_pivot_low": pivot_low,
        "tmf_pivot_high": pivot_high,
        "tmf_respect_zero_up": respect_up,
        "tmf_respect_zero_down": respect_down,
        "tmf_respect_fail_up": crosses["tmf_zero_down"] & (lag(bars_since(respect_up)) < window),
        "tmf_respect_fail_down": crosses["tmf_zero_up"] & (lag(bars_since(respect_down)) < window),
    }


def _bursts_and_holds(
    name: str, x: np.ndarray, slope: np.ndarray, grammar: Grammar
) -> dict[str, np.ndarray]:
    """Bursts and holds of one indicator, which is undefined where it is not ready."""
    strong = np.abs(x) > grammar.burst_abs_threshold
    bars = grammar.hold_consecutive_bars
    return {
        f"{name}_burst_up": strong & (x > 0) & (slope > grammar.burst_slope_threshold),
        f"{name}_burst_down": strong & (x < 0) & (slope < -grammar.burst_slope_threshold),
        f"{name}_hold_pos": rolling_count(x > 0, bars) == bars,
        f"{name}_hold_neg": rolling_count(x < 0, bars) == bars,
    }


def _activity(events: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Counts of events over the last rows; partial windows count."""

    def count(*names: str, bars: int) -> np.ndarray:
        first, *others = (rolling_count(events[name], bars) for name in names)
        return sum(others, start=first)

    long = ("tmf_zero_up", "tmf_respect_zero_up", "tmf_burst_up")
    short = ("tmf_zero_down", "tmf_respect_zero_down", "tmf_burst_down")
    counts = {
        f"tmf_{side}_events_{bars}": count(*names, bars=bars)
        for bars in (5, 20)
        for side, names in (("long", long), ("short", short))
    }
    return {
        **counts,
        "tmf_event_asym_5": counts["tmf_long_events_5"] - counts["tmf_short_events_5"],
        "tmf_event_asym_20": counts["tmf_long_events_20"] - counts["tmf_short_events_20"],
        "tmf_event_activity_20": counts["tmf_long_events_20"] + counts["tmf_short_events_20"],
        "tti_events_20": count(
            "tti_zero_up", "tti_zero_down", "tti_burst_up", "tti_burst_down", bars=20
        ),
    }
