"""Gold features v1: numeric columns for clustering, HMM and backtests."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.common import (
    ATR_14,
    CLOSE,
    IDENTITY,
    QUALITY_WARN_COUNT,
    RUN_ID,
    TMF_21,
    TTI_PROXY,
    VOLUME,
    flag,
    version,
)
from mf_etl.schemas.declaration import HELPER, Column, Table
from mf_etl.schemas.gold_events import STATE_CODE, STATE_LABEL, bars_since_columns

SCHEMA_VERSION = "2"
CALC_VERSION = "2"

# Recency column by the bars-since column that it scales.
RECENCY = {
    "rec_tmf_zero_up_20": "bs_tmf_zero_up",
    "rec_tmf_zero_down_20": "bs_tmf_zero_down",
    "rec_tmf_burst_up_20": "bs_tmf_burst_up",
    "rec_tmf_burst_down_20": "bs_tmf_burst_down",
    "rec_tmf_respect_up_20": "bs_tmf_respect_zero_up",
    "rec_tmf_respect_down_20": "bs_tmf_respect_zero_down",
}

GOLD_FEATURES = Table(
    name="gold_features",
    meaning="Research features of one ticker, one row a bar; nothing looks ahead.",
    columns=(
        *IDENTITY,
        TMF_21,
        Column("tmf_abs", HELPER, "|tmf|", "ratio"),
        Column("tmf_slope_1", HELPER, "tmf − tmf[-1]", "ratio"),
        Column("tmf_slope_5", HELPER, "tmf − tmf[-5]", "ratio"),
        Column("tmf_slope_10", HELPER, "tmf − tmf[-10]", "ratio"),
        Column("tmf_curvature_1", HELPER, "slope_1 − slope_1[-1]", "ratio"),
        Column("tmf_sign", pl.Int8, "−1, 0 or 1"),
        flag("tmf_above_zero", "tmf > 0", nullable=True),
        flag("tmf_below_zero", "tmf < 0", nullable=True),
        TTI_PROXY,
        Column("tti_proxy_sign", pl.Int8, "−1, 0 or 1"),
        Column("tti_proxy_slope_1", HELPER, "tti − tti[-1]", "ratio"),
        Column("tti_proxy_slope_5", HELPER, "tti − tti[-5]", "ratio"),
        flag("tmf_tti_sign_agree", "signs equal and not 0", nullable=True),
        flag("tmf_tti_divergence", "product of signs < 0", nullable=True),
        *(
            Column(
                f"{side}_flow_score_{bars}",
                HELPER,
                f"weighted {way} events in {bars} bars",
                "score",
                nullable=False,
            )
            for bars in (5, 20)
            for side, way in (("long", "demand"), ("short", "supply"))
        ),
        Column("delta_flow_5", HELPER, "long − short score over 5 bars", "score", False),
        Column(
            "delta_flow_20",
            HELPER,
            "long − short score over 20 bars",
            "score",
            False,
            statistics=("min", "max"),
        ),
        Column(
            "flow_activity_20",
            HELPER,
            "long + short score over 20 bars",
            "score",
            False,
            bounds=(0, None),
        ),
        Column(
            "flow_bias_20",
            HELPER,
            "delta_flow_20/flow_activity_20; 0 without flow",
            "ratio",
            False,
            bounds=(-1, 1),
        ),
        *bars_since_columns(),
        *(
            Column(
                name,
                HELPER,
                f"min({source}, 20)/20; 1 if never and TMF is ready",
                "fraction",
                bounds=(0, 1),
                statistics=("nulls",),
            )
            for name, source in RECENCY.items()
        ),
        *(
            Column(
                f"{side}_burst_{bars}", pl.Int32, f"{way} bursts in {bars} bars", "events", False
            )
            for bars in (5, 20)
            for side, way in (("long", "upward"), ("short", "downward"))
        ),
        Column(
            "persistence_pos_20",
            HELPER,
            "share of hold_pos in 20 bars",
            "fraction",
            False,
            bounds=(0, 1),
        ),
        Column(
            "persistence_neg_20",
            HELPER,
            "share of hold_neg in 20 bars",
            "fraction",
            False,
            bounds=(0, 1),
        ),
        Column(
            "oscillation_index_20",
            pl.Int32,
            "zero crosses in 20 bars",
            "events",
            False,
            bounds=(0, 20),
        ),
        Column(
            "respect_fail_balance_20", pl.Int32, "fail_down − fail_up in 20 bars", "events", False
        ),
        Column(
            "state_prev", pl.Int8, "flow state of the row before; null on the first of a segment"
        ),
        flag("state_changed", "the flow state differs from the row before"),
        Column(
            "state_run_length",
            pl.Int32,
            "rows in this state, from 1",
            "bars",
            False,
            bounds=(1, None),
        ),
        Column(
            "state_transition_code",
            pl.Int16,
            "10·state_prev + state; null on the first of a segment",
            bounds=(0, 44),
        ),
        Column("bs_state_change", pl.Int32, "bars since state_changed; null before", "bars"),
        STATE_CODE,
        STATE_LABEL,
        QUALITY_WARN_COUNT,
        CLOSE,
        VOLUME,
        ATR_14,
        Column("atr_pct_14", HELPER, "atr_14/close", "fraction"),
        Column("dollar_volume", HELPER, "close·volume", "currency"),
        version("feature_schema_version", "this declaration"),
        version("feature_calc_version", "the formulas"),
        RUN_ID,
    ),
)
