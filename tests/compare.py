"""Compares a frame with columns of plain values, nulls included."""

from __future__ import annotations

import math

import polars as pl


def assert_columns(
    frame: pl.DataFrame,
    expected: dict[str, list],
    *,
    relative: float = 1e-9,
    absolute: float = 1e-9,
) -> None:
    """Every expected column is in the frame, null where None is expected, else equal or close."""
    for name, values in expected.items():
        got = frame.get_column(name).to_list()
        assert len(got) == len(values), name
        for row, (a, b) in enumerate(zip(got, values, strict=True)):
            where = f"{name}, row {row}: {a} for {b}"
            if a is None or b is None or isinstance(b, bool):
                assert a is b, where
            else:
                assert math.isclose(a, b, rel_tol=relative, abs_tol=absolute), where
