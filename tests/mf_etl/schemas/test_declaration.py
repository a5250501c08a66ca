"""Tables: what is not as declared is an error."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from mf_etl.docs import PER_TICKER_TABLES as TABLES
from mf_etl.errors import SchemaError
from mf_etl.io import ParquetOptions
from mf_etl.schemas.declaration import HELPER, Column, Table

TABLE = Table(
    "prices",
    "For tests.",
    (
        Column("trade_date", pl.Date, "day", nullable=False),
        Column("close", pl.Float64, "price", nullable=False),
        Column("ratio", HELPER, "helper"),
        Column("count", pl.Int32, "count"),
        Column("flag", pl.Boolean, "flag"),
    ),
)
DAYS = [date(2024, 1, 2), date(2024, 1, 3)]
GOOD = pl.DataFrame(
    {
        "trade_date": DAYS,
        "close": [1.0, 2.0],
        "ratio": [None, 0.1],
        "count": [1, None],
        "flag": True,
    },
    schema=TABLE.schema(),
)


def test_a_good_frame_passes():
    TABLE.check(GOOD)
    TABLE.check(GOOD.clear())


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (GOOD.drop("count"), "missing columns count"),
        (GOOD.with_columns(extra=1), "undeclared columns extra"),
        (GOOD.cast({"count": pl.Int64}), "column count is Int64, declared Int32"),
        (GOOD.select("close", *[c for c in GOOD.columns if c != "close"]), "declared order"),
        (GOOD.with_columns(close=pl.Series([1.0, None])), "close may not be null"),
        (GOOD.with_columns(ratio=pl.Series([1.0, np.nan])), "ratio holds NaN or infinity"),
        (GOOD.with_columns(ratio=pl.Series([np.inf, 1.0])), "ratio holds NaN or infinity"),
        (GOOD.reverse(), "not in ascending trade_date order"),
        (pl.concat([GOOD, GOOD[1:]]), "not in ascending trade_date order"),
    ],
)
def test_what_is_not_as_declared_is_an_error(frame, words, tmp_path):
    with pytest.raises(SchemaError, match=words):
        TABLE.check(frame)
    with pytest.raises(SchemaError):
        TABLE.write(frame, tmp_path / "file", ParquetOptions(helper_dtype="float64"))
    assert list(tmp_path.iterdir()) == []


def test_huge_finite_values_are_finite():
    TABLE.check(GOOD.with_columns(close=pl.Series([1.7e308, 1.7e308])))


def test_frames_from_arrays_turn_nan_and_infinity_into_null():
    frame = TABLE.frame(
        {
            "trade_date": pl.Series(DAYS),
            "close": 2.5,
            "ratio": np.array([np.inf, 1.5]),
            "count": np.array([np.nan, 7.0]),
            "flag": np.array([np.nan, 1.0]),
        },
        2,
    )
    assert frame.rows() == [(DAYS[0], 2.5, None, None, None), (DAYS[1], 2.5, 1.5, 7, True)]
    assert frame.schema == TABLE.schema()


def test_frames_refuse_wrong_names_and_lengths():
    values = dict.fromkeys(TABLE.names, 0) | {"trade_date": pl.Series(DAYS)}
    with pytest.raises(SchemaError, match="undeclared columns more"):
        TABLE.frame(values | {"more": 1}, 2)
    with pytest.raises(SchemaError, match="3 values for 2 rows"):
        TABLE.frame(values | {"ratio": np.zeros(3)}, 2)


def test_helpers_are_rounded_when_stored(tmp_path):
    frame = GOOD.with_columns(ratio=pl.Series([1e39, 0.1]))
    TABLE.write(frame, tmp_path / "file", ParquetOptions())
    stored = TABLE.read(tmp_path / "file")
    assert stored["ratio"].dtype == pl.Float32
    assert stored["ratio"].to_list() == [None, np.float32(0.1)], "beyond float32 is undefined"
    assert stored["close"].dtype == pl.Float64


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_declaration_is_complete(table):
    assert len(set(table.names)) == len(table.names)
    assert all(column.meaning for column in table.columns)
