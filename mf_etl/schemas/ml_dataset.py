"""Research dataset v1: the features of many tickers in one file, with forward outcomes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from mf_etl.errors import SchemaError
from mf_etl.research.datasets.columns import (
    BARS_LEFT,
    CLOSE_BARS,
    CONTEXT,
    DELISTED,
    FEATURES,
    OPEN_BARS,
    OUTCOME_BARS,
    OUTCOME_END,
    VOLATILITY_BARS,
)
from mf_etl.schemas.common import EXCHANGE, INSTRUMENT, TICKER, TRADE_DATE, flag
from mf_etl.schemas.declaration import HELPER, HELPER_DTYPES, Column, Table
from mf_etl.schemas.gold_features import GOLD_FEATURES

SCHEMA_VERSION = "2"
CALC_VERSION = "2"

_DECLARED = {column.name: column for column in GOLD_FEATURES.columns}
_PASSED_ON = tuple(_DECLARED[name] for name in (*FEATURES, *CONTEXT))

_LIQUIDITY = (
    Column("adv_20", HELPER, "median of close·volume over rows t−19..t", "currency"),
    Column(
        "sigma_20",
        HELPER,
        "population standard deviation of the last 20 daily close returns",
        "fraction",
    ),
    Column(
        "spread_60",
        HELPER,
        "bid-ask spread from 60 daily bars: √max(0, mean of 4(c[-1] − η[-1])(c[-1] − η)), c the log "
        "close, η the mid of the log range (Abdi and Ranaldo 2017)",
        "fraction",
    ),
    flag(
        "eligible",
        "a stock with adv_20 of at least the dataset's min_adv, 252 rows of history in the segment "
        "and no quality warning in the last 20 rows",
    ),
)
_OUTCOMES = (
    *(
        Column(f"fwd_ret_{bars}", HELPER, f"close[+{bars}]/close − 1", "fraction")
        for bars in CLOSE_BARS
    ),
    Column(f"fwd_abs_ret_{VOLATILITY_BARS}", HELPER, f"|fwd_ret_{VOLATILITY_BARS}|", "fraction"),
    Column(
        f"fwd_vol_{VOLATILITY_BARS}",
        HELPER,
        f"population standard deviation of the next {VOLATILITY_BARS} daily returns",
        "fraction",
    ),
    *(
        Column(
            f"fwd_oo_{bars}",
            HELPER,
            f"open[+{bars + 1}]/open[+1] − 1; of a delisted series that ends before, last "
            "close/open[+1] − 1; null where trading was halted for long",
            "fraction",
        )
        for bars in OPEN_BARS
    ),
    *(
        Column(
            f"fwd_xs_{bars}", HELPER, f"fwd_oo_{bars} less the equal-weight market's", "fraction"
        )
        for bars in OPEN_BARS
    ),
    Column(BARS_LEFT, pl.Int8, f"rows that follow in the segment, at most {OUTCOME_BARS}", "rows"),
    Column(
        OUTCOME_END,
        pl.Date,
        f"day of row t+{OUTCOME_BARS}, or of the segment's last row: no outcome looks further",
        "",
        False,
    ),
    flag(DELISTED, "the segment ends more than 10 market dates before the market's last"),
)

ML_DATASET = Table(
    name="ml_dataset",
    meaning=(
        "Features and outcomes of many tickers, rows by ticker, trade_date and exchange. Columns "
        "that start with fwd_, outcome_end_date and delisted look ahead and are never features."
    ),
    columns=(
        TICKER,
        EXCHANGE,
        TRADE_DATE,
        INSTRUMENT,
        *_PASSED_ON,
        Column("open", pl.Float64, "first price", "currency", nullable=False),
        *_LIQUIDITY,
        *_OUTCOMES,
    ),
)


def stored(frame: pl.DataFrame, helper_dtype: str) -> pl.DataFrame:
    """The rows of one listing as they are stored, checked against the declaration.

    Declared columns come in their order and others are left out; helper floats are rounded to
    `helper_dtype`, and a magnitude past its range is undefined there, so null. Raises `SchemaError`
    for a missing column, a wrong dtype, a null where none may be, NaN or infinity, and rows that
    are not in strictly ascending trade_date order.
    """
    dtype = HELPER_DTYPES[helper_dtype]
    if missing := [name for name in ML_DATASET.names if name not in frame.columns]:
        raise SchemaError(f"{ML_DATASET.name}: missing columns {', '.join(missing)}")
    rounded = pl.DataFrame(
        [_rounded(frame.get_column(c.name), c, dtype) for c in ML_DATASET.columns]
    )
    ML_DATASET.check(rounded, dtype)
    return rounded


def arrow_schema(schema: pl.Schema) -> pa.Schema:
    """The Arrow schema that frames of `schema` are written with."""
    return pl.DataFrame(schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema


def _rounded(
    series: pl.Series, column: Column, helper_dtype: pl.DataType | type[pl.DataType]
) -> pl.Series:
    if column.dtype is not HELPER or series.dtype == helper_dtype:
        return series
    rounded = series.cast(helper_dtype)
    if not np.isinf(rounded.to_numpy()).any():
        return rounded
    return rounded.set(series.is_finite() & rounded.is_infinite(), None)
