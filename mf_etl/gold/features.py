"""Gold features: weighted flow, recency, persistence and state path of one ticker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from mf_etl.schemas.gold_events import BARS_SINCE
from mf_etl.schemas.gold_features import CALC_VERSION, GOLD_FEATURES, RECENCY, SCHEMA_VERSION
from mf_etl.segments import by_segment
from mf_etl.series import bars_since, divide, lag, rolling_count, run_length, window_sum

PASSED_ON = (
    "ticker", "exchange", "trade_date", "trade_dt", "segment_no", "tmf_21", "tmf_abs",
    "tmf_slope_1", "tmf_slope_5", "tmf_sign", "tmf_above_zero", "tmf_below_zero", "tti_proxy_v1_21",
    "tti_proxy_sign", "flow_state_code", "flow_state_label", "quality_warn_count", "close",
    "volume", "atr_14", *(f"bs_{event}" for event in BARS_SINCE),
)  # fmt: skip
USED_EVENTS = (
    "tmf_zero_up", "tmf_zero_down", "tmf_respect_zero_up", "tmf_respect_zero_down",
    "tmf_respect_fail_up", "tmf_respect_fail_down", "tmf_burst_up", "tmf_burst_down",
    "tmf_hold_pos", "tmf_hold_neg",
)  # fmt: skip
EVENT_COLUMNS = (*PASSED_ON, "run_id", "tmf_ready_21", *(f"ev_{name}" for name in USED_EVENTS))

RECENCY_BARS = 20


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the events in the flow scores."""

    zero: float = 1.0
    respect: float = 2.0
    burst: float = 2.0
    hold: float = 1.5


@by_segment
@np.errstate(over="ignore", invalid="ignore")
def feature_series(
    events: pl.DataFrame, *, weights: Weights, eps: float, run_id: str
) -> pl.DataFrame:
    """The research features, one row per bar.

    Causal: row t depends on rows <= t of its segment; partial windows count. Computed from the
    stored events (`EVENT_COLUMNS`, one ticker in ascending, unique trade_date order); gives
    `GOLD_FEATURES`.
    """
    m, slope_1, t, tmf_sign, tti_sign, close, volume, atr_14 = (
        events.get_column(name).cast(pl.Float64).to_numpy()
        for name in (
            "tmf_21", "tmf_slope_1", "tti_proxy_v1_21", "tmf_sign", "tti_proxy_sign",
            "close", "volume", "atr_14",
        )
    )  # fmt: skip
    event = {name: events.get_column(f"ev_{name}").to_numpy() for name in USED_EVENTS}
    signs = tmf_sign * tti_sign
    unsigned = np.isnan(signs)
    ready = events.get_column("tmf_ready_21").to_numpy()
    values = {
        **{name: events.get_column(name) for name in PASSED_ON},
        "tmf_slope_10": m - lag(m, 10),
        "tmf_curvature_1": slope_1 - lag(slope_1),
        "tti_proxy_slope_1": t - lag(t),
        "tti_proxy_slope_5": t - lag(t, 5),
        "tmf_tti_sign_agree": np.where(unsigned, np.nan, signs > 0),
        "tmf_tti_divergence": np.where(unsigned, np.nan, signs < 0),
        **_flow(event, weights, eps),
        **{
            name: _recency(events.get_column(source).cast(pl.Float64).to_numpy(), ready)
            for name, source in RECENCY.items()
        },
        **_persistence(event),
        **_state_path(events.get_column("flow_state_code").to_numpy()),
        "atr_pct_14": divide(atr_14, close, eps),
        "dollar_volume": close * volume,
        "feature_schema_version": SCHEMA_VERSION,
        "feature_calc_version": CALC_VERSION,
        "run_id": run_id,
    }
    return GOLD_FEATURES.frame(values, events.height)


def _flow(event: dict[str, np.ndarray], weights: Weights, eps: float) -> dict[str, np.ndarray]:
    """Weighted demand and supply scores, their difference, sum and bias."""

    def base(way: str, side: str) -> np.ndarray:
        return (
            weights.zero * event[f"tmf_zero_{way}"]
            + weights.respect * event[f"tmf_respect_zero_{way}"]
            + weights.burst * event[f"tmf_burst_{way}"]
            + weights.hold * event[f"tmf_hold_{side}"]
        )

    long, short = base("up", "pos"), base("down", "neg")
    long_5, short_5 = window_sum(long, 5, partial=True), window_sum(short, 5, partial=True)
    long_20, short_20 = window_sum(long, 20, partial=True), window_sum(short, 20, partial=True)
    delta, activity = long_20 - short_20, long_20 + short_20
    return {
        "long_flow_score_5": long_5,
        "short_flow_score_5": short_5,
        "long_flow_score_20": long_20,
        "short_flow_score_20": short_20,
        "delta_flow_5": long_5 - short_5,
        "delta_flow_20": delta,
        "flow_activity_20": activity,
        # No flow is no bias: a quiet day must not vanish from research as a null.
        "flow_bias_20": np.where(activity < eps, 0.0, divide(delta, activity, eps)),
    }


def _recency(since: np.ndarray, ready: np.ndarray) -> np.ndarray:
    """0 on the event's row to 1 from 20 bars on; 1 if it never happened and TMF is ready."""
    never = np.where(ready, 1.0, np.nan)
    return np.where(np.isnan(since), never, np.minimum(since, RECENCY_BARS) / RECENCY_BARS)


def _persistence(event: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Bursts, share of holds, crosses and failed respects over the last rows."""
    rows = np.minimum(np.arange(1, len(event["tmf_zero_up"]) + 1), 20)

    def count(name: str, bars: int = 20) -> np.ndarray:
        return rolling_count(event[name], bars)

    return {
        "long_burst_5": count("tmf_burst_up", 5),
        "short_burst_5": count("tmf_burst_down", 5),
        "long_burst_20": count("tmf_burst_up"),
        "short_burst_20": count("tmf_burst_down"),
        "persistence_pos_20": count("tmf_hold_pos") / rows,
        "persistence_neg_20": count("tmf_hold_neg") / rows,
        "oscillation_index_20": count("tmf_zero_up") + count("tmf_zero_down"),
        "respect_fail_balance_20": count("tmf_respect_fail_down") - count("tmf_respect_fail_up"),
    }


def _state_path(state_code: np.ndarray) -> dict[str, np.ndarray]:
    """Where the flow state came from and how long it has lasted."""
    state = state_code.astype(np.float64)
    previous = lag(state)
    changed = ~np.isnan(previous) & (state != previous)
    return {
        "state_prev": previous,
        "state_changed": changed,
        "state_run_length": run_length(changed),
        "state_transition_code": 10.0 * previous + state,
        "bs_state_change": bars_since(changed),
    }
