"""Silver indicators: Twiggs Money Flow and a stand-in for the Twiggs Trend Index."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.common import (
    ATR_14,
    CLOSE,
    IDENTITY,
    QUALITY_WARN_COUNT,
    RUN_ID,
    TMF_21,
    TRUE_RANGE,
    TTI_PROXY,
    VOLUME,
    flag,
    version,
)
from mf_etl.schemas.declaration import HELPER, Column, Table

SCHEMA_VERSION = "2"
CALC_VERSION = "2"
TTI_FORMULA_STATUS = "PROXY_UNDISCLOSED_ORIGINAL"
TTI_PROXY_VERSION = "v1"

SILVER_INDICATORS = Table(
    name="silver_indicators",
    meaning="Money-flow and trend indicators, one row a bar.",
    columns=(
        *IDENTITY,
        CLOSE,
        VOLUME,
        TRUE_RANGE,
        ATR_14,
        QUALITY_WARN_COUNT,
        TMF_21,
        flag("tmf_ready_21", "tmf_21 is defined"),
        flag("tmf_zero_cross_up", "tmf > 0 and tmf[-1] ≤ 0"),
        flag("tmf_zero_cross_down", "tmf < 0 and tmf[-1] ≥ 0"),
        Column("tmf_sign", pl.Int8, "−1, 0 or 1"),
        Column("tmf_slope_1", HELPER, "tmf − tmf[-1]", "ratio"),
        Column("tmf_slope_5", HELPER, "tmf − tmf[-5]", "ratio"),
        Column(
            "tmf_ema_5",
            HELPER,
            "exponential mean of tmf, span 5; null for 4 ready rows",
            "ratio",
            bounds=(-1, 1),
            statistics=("nulls",),
        ),
        Column("tmf_abs", HELPER, "|tmf|", "ratio"),
        flag("tmf_above_zero", "tmf > 0", nullable=True),
        flag("tmf_below_zero", "tmf < 0", nullable=True),
        flag("tmf_respect_zero_up_candidate", "tmf > 0, slope_1 > 0 and tmf[-1] < tmf[-2]"),
        flag("tmf_respect_zero_down_candidate", "tmf < 0, slope_1 < 0 and tmf[-1] > tmf[-2]"),
        TTI_PROXY,
        flag("tti_proxy_ready_21", "tti_proxy_v1_21 is defined"),
        flag("tti_proxy_zero_cross_up", "tti > 0 and tti[-1] ≤ 0"),
        flag("tti_proxy_zero_cross_down", "tti < 0 and tti[-1] ≥ 0"),
        Column("tti_proxy_sign", pl.Int8, "−1, 0 or 1"),
        Column("tti_formula_status", pl.String, "what the TTI column is", nullable=False),
        version("tti_proxy_version", "the TTI stand-in"),
        version("indicator_schema_version", "this declaration"),
        version("indicator_calc_version", "the formulas"),
        Column("tmf_period", pl.Int32, "smoothing period", "bars", nullable=False),
        RUN_ID,
    ),
)
