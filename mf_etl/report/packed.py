"""Columns as text for a script: little-endian arrays in base64."""

from __future__ import annotations

import base64
import json
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray


def packed(values: Any, dtype: str) -> str:
    """The values as an array of `dtype` (such as ``<f4``), in base64."""
    return base64.b64encode(np.asarray(values).astype(dtype).tobytes()).decode("ascii")


def packed_floats(series: pl.Series) -> str:
    """A column as float32; null is NaN."""
    return packed(series.cast(pl.Float32).fill_null(float("nan")).to_numpy(), "<f4")


def packed_days(days: pl.Series) -> dict[str, Any]:
    """Ascending dates as the first of them and days since then, in 16 bits: 179 years."""
    numbers = days.cast(pl.Int32).to_numpy()
    first = int(numbers[0]) if len(numbers) else 0
    return {"first": first, "offsets": packed(numbers - first, "<u2")}


def packed_runs(codes: NDArray[np.int8]) -> dict[str, str]:
    """Codes as runs: the row at which each begins, and its code."""
    starts = run_starts(codes)
    return {"starts": packed(starts, "<u4"), "codes": packed(codes[starts], "<i1")}


def run_starts(codes: NDArray[np.int8]) -> NDArray[np.int64]:
    """The rows at which another code begins; the first row is one."""
    if not len(codes):
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))


def script(function: str, data: Any) -> str:
    """A script that hands `data` to a function of the pages; works from a file and from a server."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A line separator of Unicode would end a line of a script of old, `</` a script of a page.
    safe = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("</", "<\\/")
    return f"mf_etl.{function}({safe});\n"


def as_day_number(day: date) -> int:
    """Days since 1970."""
    return (day - date(1970, 1, 1)).days
