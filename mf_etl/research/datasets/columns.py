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

KEY_FEATURES = ("tmf_21", "long_flow_score_20", "delta_flow_20", "flow_activity_20")
"""A row without one of these is of no use to research and is dropped unless asked otherwise."""

CONTEXT = (
    "flow_state_code", "state_prev", "state_changed", "state_transition_code", "bs_state_change",
    "close", "volume", "atr_14", "atr_pct_14", "dollar_volume", "quality_warn_count",
)  # fmt: skip
"""What profiles and backtests read beside the features."""

OUTCOME_PREFIX = "fwd_"
RETURN_BARS = (5, 10, 20)
VOLATILITY_BARS = 10
OUTCOMES = (
    *(f"fwd_ret_{bars}" for bars in RETURN_BARS),
    f"fwd_abs_ret_{VOLATILITY_BARS}",
    f"fwd_vol_{VOLATILITY_BARS}",
)
"""What happened after a row. They look ahead, so they are never features."""

OUTCOME_END = "outcome_end_date"
