"""How many tickers are in each flow state on each day."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.common import TRADE_DATE
from mf_etl.schemas.declaration import Column, Table

FLOW_STATES_BY_DAY = Table(
    name="flow_states_by_day",
    meaning="Tickers in each flow state on each day, over the whole universe; known on the day.",
    unique=False,
    columns=(
        TRADE_DATE,
        Column("state", pl.Int8, "flow state; −1 is not ready: TMF is not defined yet", "", False),
        Column("tickers", pl.Int32, "tickers in it", "tickers", False),
    ),
)
