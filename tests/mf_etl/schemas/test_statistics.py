"""What a file tells about itself is what its rows say."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from mf_etl.io import ParquetOptions
from mf_etl.schemas.declaration import HELPER, Column, Table
from mf_etl.schemas.statistics import read_statistics

TABLE = Table(
    "example",
    "An example.",
    (
        Column("trade_date", pl.Date, "", nullable=False, statistics=("years", "edges")),
        Column("x", HELPER, "", bounds=(None, 1), statistics=("nulls", "mean")),
        Column("code", pl.Int8, "", statistics=("counts",)),
        Column("flag", pl.Boolean, ""),
    ),
)


def told(path) -> dict:
    return {
        (item["statistic"], item["column"], item["key"]): item["value"]
        for item in read_statistics(path)
    }


@pytest.mark.parametrize("statistics", [True, False])
def test_statistics_of_the_stored_rows(tmp_path, statistics):
    days = [date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 2)]
    frame = TABLE.frame(
        {
            "trade_date": pl.Series(days),
            "x": pl.Series([0.1, None, 0.3]),
            "code": pl.Series([2, 2, 0]),
            "flag": pl.Series([True, None, True]),
        },
        3,
    )
    TABLE.write(frame, tmp_path / "x.parquet", ParquetOptions(statistics=statistics))
    stored = pl.read_parquet(tmp_path / "x.parquet")["x"]
    assert told(tmp_path / "x.parquet") == {
        ("rows", "", ""): 3,
        ("years", "trade_date", "2023"): 1,
        ("years", "trade_date", "2024"): 2,
        **{("edges", "trade_date", str(day)): 1 for day in days},
        ("min", "x", ""): stored.min(),
        ("max", "x", ""): stored.max(),
        ("nulls", "x", ""): 1,
        ("mean", "x", ""): stored.mean(),
        ("counts", "code", "0"): 1,
        ("counts", "code", "2"): 2,
        ("true", "flag", ""): 2,
    }


def test_an_empty_file_tells_its_rows_and_no_extremes(tmp_path):
    frame = pl.DataFrame(schema=TABLE.schema())
    TABLE.write(frame, tmp_path / "x.parquet", ParquetOptions())
    assert told(tmp_path / "x.parquet") == {
        ("rows", "", ""): 0,
        ("nulls", "x", ""): 0,
        ("true", "flag", ""): 0,
    }


def test_edges_are_the_first_and_the_last_twenty_dates(tmp_path):
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(50)]
    blank = {
        "x": pl.Series([0.0] * 50),
        "code": pl.Series([0] * 50),
        "flag": pl.Series([True] * 50),
    }
    frame = TABLE.frame({"trade_date": pl.Series(days), **blank}, 50)
    TABLE.write(frame, tmp_path / "x.parquet", ParquetOptions())
    edges = [key for name, _, key in told(tmp_path / "x.parquet") if name == "edges"]
    assert edges == [str(day) for day in days[:20] + days[-20:]]
