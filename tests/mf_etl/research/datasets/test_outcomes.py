"""Outcomes against a plain-Python reading and hand-made series."""

from __future__ import annotations

import math
import statistics

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.research.datasets.columns import OUTCOMES
from mf_etl.research.datasets.outcomes import outcome_end, outcome_series, with_outcomes
from tests.compare import assert_columns
from tests.mf_etl.research.datasets.cases import feature_frame

EPS = 1e-12


def plain(close: list[float]) -> dict[str, list[float | None]]:
    """The outcome columns, row by row."""

    def ret(t: int, bars: int) -> float | None:
        if t + bars >= len(close) or abs(close[t]) < EPS:
            return None
        return close[t + bars] / close[t] - 1

    def volatility(t: int) -> float | None:
        daily = [ret(t + i, 1) for i in range(10)]
        return None if None in daily else statistics.pstdev(daily)

    rows = range(len(close))
    tens = [ret(t, 10) for t in rows]
    return {
        "fwd_ret_5": [ret(t, 5) for t in rows],
        "fwd_ret_10": tens,
        "fwd_ret_20": [ret(t, 20) for t in rows],
        "fwd_abs_ret_10": [None if r is None else abs(r) for r in tens],
        "fwd_vol_10": [volatility(t) for t in rows],
    }


@given(st.lists(st.floats(0.01, 1e4) | st.just(0.0), max_size=60))
def test_outcomes_equal_the_plain_reading(close):
    got = with_outcomes(feature_frame("A", len(close), close=close), eps=EPS)
    assert_columns(got, plain(close), relative=1e-8, absolute=1e-8)


def test_hand_computed_rows():
    close = [100.0] * 5 + [110.0] * 5 + [90.0] * 10 + [150.0]
    got = with_outcomes(feature_frame("A", 21, close=close), eps=EPS)
    assert got["fwd_ret_5"][0] == pytest.approx(0.1) and got["fwd_ret_10"][0] == pytest.approx(-0.1)
    assert got["fwd_ret_20"][0] == pytest.approx(0.5) and got["fwd_ret_20"][1] is None
    assert got["fwd_abs_ret_10"][0] == pytest.approx(0.1)
    daily = [0, 0, 0, 0, 0.1, 0, 0, 0, 0, 90 / 110 - 1]
    assert got["fwd_vol_10"][0] == pytest.approx(statistics.pstdev(daily))


def test_no_movement_has_a_volatility_of_exactly_0():
    got = outcome_series(np.array([1e9, 0.1] + [0.3] * 12), eps=EPS)
    assert got["fwd_vol_10"][2] == 0.0


@pytest.mark.parametrize("rows", [0, 1, 5, 6, 10, 11, 20, 21])
def test_undefined_near_the_end(rows):
    got = with_outcomes(feature_frame("A", rows), eps=EPS)
    for name in OUTCOMES:
        defined = max(0, rows - int(name.rsplit("_", 1)[1]))
        assert got[name].is_not_null().to_list() == [True] * defined + [False] * (rows - defined)


def test_an_outcome_too_large_is_null():
    got = with_outcomes(feature_frame("A", 6, close=[1e-10, 1, 1, 1, 1, 1e300]), eps=EPS)
    assert got["fwd_ret_5"][0] is None
    assert all(math.isfinite(x) for x in got["fwd_vol_10"].drop_nulls())


def test_outcome_end_is_the_furthest_row_that_an_outcome_looks_at():
    days = feature_frame("A", 24)["trade_date"]
    ahead = [20] * 4 + [10] * 10 + [5] * 5 + [None] * 5
    expected = [None if k is None else days[row + k] for row, k in enumerate(ahead)]
    assert outcome_end(days).to_list() == expected
    assert outcome_end(pl.Series([], dtype=pl.Date)).to_list() == []
