"""Research dataset v1: the features of many tickers in one file, with forward outcomes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from mf_etl.errors import SchemaError
from mf_etl.research.datasets.columns import (
    CONTEXT,
    FEATURES,
    OUTCOME_END,
    RETURN_BARS,
    VOLATILITY_BARS,
)
from mf_etl.schemas.common import EXCHANGE, TICKER, TRADE_DATE
from mf_etl.schemas.declaration import HELPER, HELPER_DTYPES, Column, Table
from mf_etl.schemas.gold_features import GOLD_FEATURES

SCHEMA_VERSION = "1"
CALC_VERSION = "1"

_DECLARED = {column.name: column for column in GOLD_FEATURES.columns}
_PASSED_ON = tuple(_DECLARED[name] for name in (*FEATURES, *CONTEXT))

ML_DATASET = Table(
    name="ml_dataset",
    meaning=(
        "Features and outcomes of many tickers, rows by ticker, trade_date and exchange. Columns "
        "that start with fwd_ look ahead and are never features."
    ),
    columns=(
        TICKER,
        EXCHANGE,
        TRADE_DATE,
        *_PASSED_ON,
        *(
            Column(f"fwd_ret_{bars}", HELPER, f"close[+{bars}]/close − 1", "fraction")
            for bars in RETURN_BARS
        ),
        Column(
            f"fwd_abs_ret_{VOLATILITY_BARS}", HELPER, f"|fwd_ret_{VOLATILITY_BARS}|", "fraction"
        ),
        Column(
            f"fwd_vol_{VOLATILITY_BARS}",
            HELPER,
            f"population standard deviation of the next {VOLATILITY_BARS} daily returns",
            "fraction",
        ),
        Column(
            OUTCOME_END,
            pl.Date,
            "last day that an outcome of the row looks at: of the row "
            f"{' or else '.join(str(bars) for bars in reversed(RETURN_BARS))} bars ahead; "
            "null if there is none",
        ),
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
