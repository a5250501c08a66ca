"""Outcomes against a plain-Python reading and hand-made series."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.research.datasets.columns import OPEN_BARS, looks_ahead
from mf_etl.research.datasets.outcomes import (
    bars_left,
    close_outcomes,
    last_outcomes,
    longest_days,
    open_outcomes,
    outcome_end,
    segments,
)
from tests.compare import assert_columns

EPS = 1e-12


def frame_of(arrays):
    import polars as pl

    return pl.DataFrame(
        {
            name: pl.Series(np.where(np.isfinite(x), x, np.nan), nan_to_null=True)
            for name, x in arrays
        }
    )


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
def test_close_outcomes_equal_the_plain_reading(close):
    got = close_outcomes(np.array(close, dtype=float), eps=EPS)
    assert_columns(frame_of(got.items()), plain(close), relative=1e-8, absolute=1e-8)


def test_hand_computed_rows():
    close = np.array([100.0] * 5 + [110.0] * 5 + [90.0] * 10 + [150.0])
    got = close_outcomes(close, eps=EPS)
    assert got["fwd_ret_5"][0] == pytest.approx(0.1)
    assert got["fwd_ret_10"][0] == pytest.approx(-0.1)
    assert got["fwd_ret_20"][0] == pytest.approx(0.5) and np.isnan(got["fwd_ret_20"][1])
    assert got["fwd_abs_ret_10"][0] == pytest.approx(0.1)
    daily = [0, 0, 0, 0, 0.1, 0, 0, 0, 0, 90 / 110 - 1]
    assert got["fwd_vol_10"][0] == pytest.approx(statistics.pstdev(daily))


def test_no_movement_has_a_volatility_of_exactly_0():
    got = close_outcomes(np.array([1e9, 0.1] + [0.3] * 12), eps=EPS)
    assert got["fwd_vol_10"][2] == 0.0


@pytest.mark.parametrize("rows", [0, 1, 5, 6, 10, 11, 20, 21])
def test_undefined_near_the_end(rows):
    for name, values in close_outcomes(np.full(rows, 2.0), eps=EPS).items():
        defined = max(0, rows - int(name.rsplit("_", 1)[1]))
        assert np.isfinite(values).tolist() == [True] * defined + [False] * (rows - defined)


@given(
    st.lists(st.tuples(st.floats(0.01, 1e4), st.integers(1, 12)), max_size=40),
)
def test_open_outcomes_equal_the_plain_reading(bars):
    opened = np.array([price for price, _ in bars])
    days = np.cumsum([gap for _, gap in bars], dtype=np.int32)
    got = open_outcomes(opened, days, eps=EPS)
    for number, h in enumerate(OPEN_BARS):
        for t in range(len(bars)):
            ahead = t + 1 + h
            late = ahead >= len(bars) or days[ahead] - days[t] > math.ceil(7 * (h + 1) / 5) + 7
            if late:
                assert np.isnan(got[number, t])
            else:
                assert got[number, t] == pytest.approx(opened[ahead] / opened[t + 1] - 1)


def test_open_outcomes_by_hand():
    opened = np.array([10.0, 20, 25, 30, 40, 50, 60, 70])
    got = open_outcomes(opened, np.arange(8), eps=EPS)
    # Decided at row 0, bought at 20, sold one open later at 25, or five later at 60.
    assert got[0, 0] == pytest.approx(0.25) and got[1, 0] == pytest.approx(2.0)
    assert np.isnan(got[0, 6:]).all() and np.isnan(got[1, 2:]).all() and np.isnan(got[2:]).all()


def test_the_days_that_an_outcome_may_take():
    assert [longest_days(h) for h in OPEN_BARS] == [10, 16, 23, 37]
    opened = np.arange(1.0, 4)
    for last, there in ((10, True), (11, False)):
        got = open_outcomes(opened, np.array([0, 1, last]), eps=EPS)
        assert np.isfinite(got[0, 0]) == there


def test_what_is_left_at_the_end_by_hand():
    opened, close = np.array([10.0, 20, 25, 40]), np.array([11.0, 21, 26, 30])
    got = last_outcomes(opened, close, eps=EPS)
    # Row 1 bought at 25: row 3 is its exit of 1 bar, so only longer horizons end at the last close.
    assert np.isnan(got[0, :2]).all() and got[0, 2] == pytest.approx(30 / 40 - 1)
    assert got[1, :3].tolist() == pytest.approx([30 / 20 - 1, 30 / 25 - 1, 30 / 40 - 1])
    assert np.isnan(got[:, 3]).all()


@given(st.integers(0, 50))
def test_an_outcome_is_either_full_or_cut_off_or_has_no_entry(rows):
    full = open_outcomes(np.full(rows, 2.0), np.arange(rows), eps=EPS)
    cut = last_outcomes(np.full(rows, 2.0), np.full(rows, 1.0), eps=EPS)
    left = bars_left(rows)
    for number, h in enumerate(OPEN_BARS):
        np.testing.assert_array_equal(np.isfinite(full[number]), left >= h + 1)
        np.testing.assert_array_equal(np.isfinite(cut[number]), (left >= 1) & (left < h + 1))


def test_outcome_end_is_21_rows_on_or_the_last_row():
    days = np.arange(0, 60, 2)
    assert outcome_end(days).tolist() == [*range(42, 60, 2), *[58] * 21]
    assert outcome_end(days[:0]).tolist() == []
    assert bars_left(30).tolist() == [21] * 9 + list(range(20, -1, -1))


def test_segments_are_runs_of_one_number():
    got = list(segments(np.array([1, 1, 2, 3, 3, 3], dtype=np.int16)))
    assert [(one.start, one.stop) for one in got] == [(0, 2), (2, 3), (3, 6)]
    assert list(segments(np.array([], dtype=np.int16))) == []


def test_what_looks_ahead_is_known_by_its_name():
    ahead = ["fwd_ret_5", "fwd_xs_10", "fwd_bars", "outcome_end_date", "delisted"]
    assert all(map(looks_ahead, ahead))
    assert not any(map(looks_ahead, ["tmf_21", "eligible", "adv_20", "segment_no"]))
