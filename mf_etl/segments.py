"""Segments: the parts of a ticker's history that nothing is computed across.

A gap of more than a year is a new listing under an old ticker more often than not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import numpy as np
import polars as pl

_Options = ParamSpec("_Options")
# An int16 holds no more; what comes after is all of the last segment.
_LARGEST = 32_767


def segment_numbers(days: np.ndarray, gap_days: int) -> np.ndarray:
    """Segment of each row (int16, from 1) by its day number (float64, ascending).

    One more after a gap of more than `gap_days` calendar days.
    """
    starts = np.diff(days, prepend=days[:1]) > gap_days
    numbers: np.ndarray = np.minimum(np.cumsum(starts) + 1, _LARGEST).astype(np.int16)
    return numbers


def by_segment(
    compute: Callable[Concatenate[pl.DataFrame, _Options], pl.DataFrame],
) -> Callable[Concatenate[pl.DataFrame, _Options], pl.DataFrame]:
    """`compute` on each segment of a frame by itself, as if it were a ticker of its own.

    The frame has a `segment_no` column in ascending order; the results are joined in that order.
    """

    @functools.wraps(compute)
    def each(
        frame: pl.DataFrame, /, *args: _Options.args, **options: _Options.kwargs
    ) -> pl.DataFrame:
        segment = frame.get_column("segment_no")
        if frame.is_empty() or segment[0] == segment[-1]:
            return compute(frame, *args, **options)
        parts = frame.partition_by("segment_no", maintain_order=True)
        return pl.concat([compute(part, *args, **options) for part in parts], rechunk=True)

    return each
