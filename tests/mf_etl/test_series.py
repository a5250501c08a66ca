"""Window arithmetic against the plain definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl import series

values = st.lists(st.floats(-1e6, 1e6, width=32), max_size=60).map(np.array)
bars = st.integers(1, 40)


def plain(x, n, f, partial=False):
    return [
        f(x[max(0, t - n + 1) : t + 1]) if partial or t + 1 >= n else math.nan
        for t in range(len(x))
    ]


@given(values, bars)
def test_windows(x, n):
    x = x.astype(float)
    np.testing.assert_allclose(series.window_sum(x, n), plain(x, n, math.fsum), atol=1e-6)
    np.testing.assert_allclose(
        series.window_sum(x, n, partial=True), plain(x, n, math.fsum, partial=True), atol=1e-6
    )
    np.testing.assert_array_equal(series.window_max(x, n), plain(x, n, max))
    np.testing.assert_array_equal(series.window_min(x, n), plain(x, n, min))
    mean, std = series.window_mean_std(x, n)
    np.testing.assert_allclose(mean, plain(x, n, np.mean), atol=1e-6)
    np.testing.assert_allclose(std, plain(x, n, np.std), rtol=1e-9, atol=1e-6)


@given(st.floats(1e-6, 1e15), st.integers(1, 40))
def test_equal_values_have_no_deviation(value, n):
    before = np.array([1e14, 3.0, 7e9])
    mean, std = series.window_mean_std(np.concatenate([before, np.full(n, value)]), n)
    assert std[-1] == 0.0 and mean[-1] == value


@given(st.lists(st.booleans(), max_size=50))
def test_bars_since_and_run_length(event):
    got = series.bars_since(np.array(event, dtype=bool))
    expected = [
        t - max(s for s in range(t + 1) if event[s]) if any(event[: t + 1]) else math.nan
        for t in range(len(event))
    ]
    np.testing.assert_array_equal(got, expected)
    lengths = series.run_length(np.array(event, dtype=bool))
    for t, length in enumerate(lengths):
        assert length == (1 if t == 0 or event[t] else lengths[t - 1] + 1)


def test_exponential_skips_what_is_undefined():
    x = np.array([np.nan, 2.0, np.nan, 5.0])
    np.testing.assert_allclose(series.exponential(x, 1 / 3), [np.nan, 2.0, np.nan, 3.0])


def test_wilder_by_hand():
    np.testing.assert_allclose(series.wilder(np.array([4.0, 8.0, 2.0]), 2), [np.nan, 6.0, 4.0])


def test_divide_by_almost_nothing_is_undefined():
    got = series.divide(np.array([1.0, 1.0, -1.0]), np.array([1e-13, -2e-12, 4.0]), 1e-12)
    np.testing.assert_allclose(got, [np.nan, -5e11, -0.25])


@pytest.mark.parametrize("size", [0, 1, 3])
def test_lag_beyond_the_start(size):
    np.testing.assert_array_equal(series.lag(np.arange(float(size)), 3), [np.nan] * size)
