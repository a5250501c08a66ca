"""The equal-weight market: mean outcomes of the eligible stocks of each day."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.common import TRADE_DATE
from mf_etl.schemas.declaration import Column, Table

EQUAL_WEIGHT_MARKET = Table(
    name="equal_weight_market",
    meaning=(
        "What eligible stocks of the whole universe did on average from the next open on: a row a "
        "day on which anything traded, and horizon."
    ),
    unique=False,
    columns=(
        TRADE_DATE,
        Column("h", pl.Int8, "horizon, from the next open", "bars", False),
        Column("names", pl.Int32, "eligible stocks with an outcome", "stocks", False),
        Column("mean", pl.Float64, "mean of fwd_oo_h; null with fewer than min_names", "fraction"),
        Column(
            "mean_shumway",
            pl.Float64,
            "the same, with a loss of 30 % after the last price of a delisted series (Shumway 1997)",
            "fraction",
        ),
    ),
)
