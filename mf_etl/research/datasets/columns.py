"""Names of a dataset's columns by role; plain tuples, so that settings need not load polars."""

from __future__ import annotations

FEATURES = (
    "tmf_21", "tmf_abs", "tmf_slope_1", "tmf_slope_5", "tmf_slope_10", "tmf_curvature_1",
    "tti_proxy_v1_21", "tti_proxy_slope_1", "tti_proxy_slope_5", "long_flow_score_20",
    "short_flow_score_20", "delta_flow_20", "flow_activity_20", "flow_bias_20", "long_burst_20",
    "short_burst_20", "persistence_pos_20", "persistence_neg_20", "oscillation_index_20",
    "respect_fail_balance_20", "rec_tmf_zero_up_20", "rec_tmf_zero_down_20",
    "rec_tmf_burst_up_20", "rec_tmf_burst_down_20", "state_run_length",
)  # fmt: skip
"""What models are fitted on unless a specification says otherwise."""

HMM_FEATURES = (
    "tmf_21", "tmf_slope_5", "tmf_slope_10", "tti_proxy_v1_21", "tti_proxy_slope_5", "delta_flow_20",
    "flow_activity_20",
)  # fmt: skip
"""As `FEATURES`, of hidden Markov models: one that hardly ever changes in a state has no variance."""

KEY_FEATURES = ("tmf_21", "long_flow_score_20", "delta_flow_20", "flow_activity_20")
"""A row without one of these is of no use to research and is dropped unless asked otherwise."""

CONTEXT = (
    "flow_state_code", "state_prev", "state_changed", "state_transition_code", "bs_state_change",
    "segment_no", "close", "volume", "atr_14", "atr_pct_14", "dollar_volume", "quality_warn_count",
)  # fmt: skip
"""What profiles and backtests read beside the features, as gold features have it."""

PRICES = ("open", "high", "low")
"""What a dataset takes from the silver base series beside gold features; only `open` is kept."""

LIQUIDITY = ("adv_20", "sigma_20", "spread_60", "eligible")
"""What a listing's last days say about trading it; nothing looks ahead."""

OUTCOME_PREFIX = "fwd_"
CLOSE_BARS = (5, 10, 20)
OPEN_BARS = (1, 5, 10, 20)
"""Bars, from the next open, of outcomes that can be traded."""
VOLATILITY_BARS = 10
ENTERED = tuple(f"fwd_oo_{bars}" for bars in OPEN_BARS)
EXCESS = tuple(f"fwd_xs_{bars}" for bars in OPEN_BARS)
OUTCOMES = (
    *(f"fwd_ret_{bars}" for bars in CLOSE_BARS),
    f"fwd_abs_ret_{VOLATILITY_BARS}",
    f"fwd_vol_{VOLATILITY_BARS}",
    *ENTERED,
    *EXCESS,
)
"""What happened after a row. They look ahead, so they are never features."""

BARS_LEFT = "fwd_bars"
OUTCOME_END = "outcome_end_date"
OUTCOME_BARS = max(OPEN_BARS) + 1
"""Rows after its own that a row's outcomes look at, at most."""
DELISTED = "delisted"


def looks_ahead(name: str) -> bool:
    """Whether a column knows what came after its row, so that it is never a feature."""
    return name.startswith(OUTCOME_PREFIX) or name in (OUTCOME_END, DELISTED)


REQUIRED = ("ticker", "exchange", "trade_date", OUTCOME_END)
"""What a dataset file must hold, besides the features asked for, to be prepared for a model."""

OUTCOME_STATISTICS = ("n", "mean", "median", "std", "p10", "p90", "hit_rate")
"""What is told of an outcome of some rows."""

SEPARATION_OUTCOMES = ("fwd_xs_10", "fwd_ret_10")
"""What labels are held apart by: the return over the market's; or the bare one, where there are too few
stocks to make a market."""
