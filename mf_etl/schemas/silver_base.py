"""Silver base: one ticker's helper series."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.common import (
    ATR_14,
    CLOSE,
    IDENTITY,
    QUALITY_WARN_COUNT,
    RUN_ID,
    TRUE_RANGE,
    VOLUME,
    flag,
    version,
)
from mf_etl.schemas.declaration import HELPER, Column, Table

SCHEMA_VERSION = "2"
CALC_VERSION = "2"

WARMUP_BARS = (14, 20, 50, 200)

SILVER_BASE = Table(
    name="silver_base",
    meaning="Price geometry, returns, ranges, liquidity and rolling context, one row a bar.",
    columns=(
        *IDENTITY,
        Column("source_file", pl.String, "raw file, relative to the raw root", nullable=False),
        RUN_ID,
        version("schema_version", "this declaration"),
        version("silver_calc_version", "the formulas"),
        Column("open", pl.Float64, "first price", "currency", nullable=False),
        Column("high", pl.Float64, "highest price", "currency", nullable=False),
        Column("low", pl.Float64, "lowest price", "currency", nullable=False),
        CLOSE,
        VOLUME,
        Column("openint", pl.Int64, "open interest"),
        Column("hl_range", HELPER, "high − low", "currency"),
        Column("body", HELPER, "close − open", "currency"),
        Column("body_abs", HELPER, "|close − open|", "currency"),
        Column("range_safe", HELPER, "max(high − low, eps)", "currency"),
        Column("body_to_range", HELPER, "(close − open)/range_safe", "ratio", bounds=(-1, 1)),
        Column("close_pos_in_range", HELPER, "(close − low)/range_safe", "ratio", bounds=(0, 1)),
        Column("open_pos_in_range", HELPER, "(open − low)/range_safe", "ratio", bounds=(0, 1)),
        Column("hlc3", HELPER, "(high + low + close)/3", "currency"),
        Column("ohlc4", HELPER, "(open + high + low + close)/4", "currency"),
        Column("prev_close", HELPER, "close[-1]", "currency"),
        Column(
            "ret_1d",
            HELPER,
            "close/close[-1] − 1",
            "fraction",
            bounds=(-1, None),
            statistics=("nulls",),
        ),
        Column("ret_5d", HELPER, "close/close[-5] − 1", "fraction"),
        Column(
            "ret_20d",
            HELPER,
            "close/close[-20] − 1",
            "fraction",
            bounds=(-1, None),
            statistics=("nulls",),
        ),
        Column("gap_from_prev_close", HELPER, "open/close[-1] − 1", "fraction"),
        TRUE_RANGE,
        ATR_14,
        Column("atr_pct_14", HELPER, "atr_14/close", "fraction"),
        Column("range_pct_close", HELPER, "(high − low)/close", "fraction", bounds=(0, None)),
        Column("dollar_volume", HELPER, "close·volume", "currency"),
        Column("vol_sma_20", HELPER, "mean of volume over 20 bars", "shares"),
        Column(
            "vol_ratio_20",
            HELPER,
            "volume/vol_sma_20",
            "ratio",
            bounds=(0, 20),
            statistics=("nulls",),
        ),
        Column("dollar_vol_sma_20", HELPER, "mean of dollar_volume over 20 bars", "currency"),
        Column("volume_z_20", HELPER, "(volume − mean)/population std over 20 bars", "std"),
        Column("high_20", HELPER, "highest high of 20 bars", "currency"),
        Column("low_20", HELPER, "lowest low of 20 bars", "currency"),
        *(
            Column(f"close_sma_{bars}", HELPER, f"mean of close over {bars} bars", "currency")
            for bars in (20, 50, 200)
        ),
        *(
            Column(f"close_vs_sma{bars}", HELPER, f"close/close_sma_{bars} − 1", "fraction")
            for bars in (20, 50, 200)
        ),
        *(
            flag(f"warmup_{bars}_complete", f"row number in the segment ≥ {bars}")
            for bars in WARMUP_BARS
        ),
        flag("silver_ready_base", "warmup_50_complete"),
        QUALITY_WARN_COUNT,
    ),
)
