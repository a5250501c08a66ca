"""What a file tells about itself: statistics in its Parquet metadata, written with the rows.

Checks over thousands of tickers read these and no column: a tenth of a millisecond a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

KEY = "mf_etl.statistics"

# `counts`: rows by value, of whole numbers from 0; `years`: rows by calendar year of a date; `edges`:
# the first and last dates, from which those of many files together can be told.
Statistic = Literal["nulls", "true", "min", "max", "mean", "counts", "years", "edges"]
EDGE_DATES = 20

_METHODS = {"true": "sum", "min": "min", "max": "max", "mean": "mean"}

SCHEMA = pl.Struct(
    {"statistic": pl.String, "column": pl.String, "key": pl.String, "value": pl.Float64}
)


def statistics_metadata(
    frame: pl.DataFrame, told: Mapping[str, tuple[Statistic, ...]]
) -> dict[str, str]:
    """Parquet metadata with the number of rows and the statistics that `told` asks for by column.

    One item is ``[statistic, column, key, value]``; `key` is the value, year or date that is
    counted, else empty. A minimum, maximum or mean of no value, or one beyond float64, is left
    out.
    """
    items: list[list[Any]] = [["rows", "", "", frame.height]]
    for name, statistics in told.items():
        series = frame.get_column(name)
        for statistic in statistics:
            items += _told(statistic, series)
    return {KEY: json.dumps(items, separators=(",", ":"), allow_nan=False)}


def read_statistics(path: Path) -> list[dict[str, Any]]:
    """The statistics that a file tells of itself, as rows of `SCHEMA`."""
    items = json.loads(pl.read_parquet_metadata(path)[KEY])
    return [
        {"statistic": statistic, "column": column, "key": key, "value": float(value)}
        for statistic, column, key, value in items
    ]


def _told(statistic: Statistic, series: pl.Series) -> list[list[Any]]:
    if statistic in ("counts", "years"):
        counted = series.dt.year() if statistic == "years" else series
        counts = np.bincount(counted.drop_nulls().to_numpy())
        found = np.flatnonzero(counts).tolist()
        return [[statistic, series.name, str(value), int(counts[value])] for value in found]
    if statistic == "edges":
        ends = pl.concat([series.head(EDGE_DATES), series.tail(EDGE_DATES)])
        return [[statistic, series.name, str(day), 1] for day in ends.unique().sort()]
    value = series.null_count() if statistic == "nulls" else getattr(series, _METHODS[statistic])()
    return [] if value is None or not np.isfinite(value) else [[statistic, series.name, "", value]]
