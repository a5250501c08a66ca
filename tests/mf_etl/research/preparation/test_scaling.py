"""Centre and spread against numpy on whole columns, and the scaled matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.errors import ResearchError
from mf_etl.research.preparation.scaling import (
    Moments,
    Scaling,
    read_scaling,
    robust_parameters,
    standard_parameters,
)


@given(st.lists(st.lists(st.floats(-1e6, 1e6), max_size=20), min_size=1, max_size=6))
def test_moments_of_shards_are_those_of_the_whole(shards):
    whole = np.array([x for shard in shards for x in shard])
    merged = Moments.of([np.array(shards[0])])
    for shard in shards[1:]:
        merged = merged.merged(Moments.of([np.array(shard)]))
    assert merged.rows == len(whole)
    if len(whole):
        centre, spread = standard_parameters(merged)
        np.testing.assert_allclose(centre[0], whole.mean(), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(spread[0], whole.std(), rtol=1e-9, atol=1e-8)
        assert (merged.lowest[0], merged.highest[0]) == (whole.min(), whole.max())


def test_a_large_mean_does_not_swallow_the_spread():
    x = 1e9 + np.random.default_rng(0).normal(size=10_000)
    merged = Moments.of([x[:3000]]).merged(Moments.of([x[3000:]]))
    assert standard_parameters(merged)[1][0] == pytest.approx(x.std(), rel=1e-9)


def test_a_constant_has_exactly_no_spread():
    """The mean of ten times 0.1 is not 0.1 in float64."""
    x = np.full(10, 0.1)
    merged = Moments.of([x]).merged(Moments.of([x[:3]]))
    assert merged.constant.tolist() == [True]
    for centre, spread in (standard_parameters(merged), robust_parameters([x])):
        assert centre[0] == 0.1 and spread[0] == 0.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_robust_parameters_are_median_and_interquartile_range(values):
    x = np.array(values)
    low, median, high = np.quantile(x, (0.25, 0.5, 0.75))
    centre, spread = robust_parameters([x.copy()])
    assert centre[0] == median and spread[0] == high - low


def test_scaled_matrix():
    parameters = [(np.array([1.0, 10.0]), np.array([2.0, 0.0])), (np.zeros(2), np.ones(2))]
    scaling = Scaling.stacked(("a", "b"), ("X", "Y"), parameters)
    columns = [np.array([3.0, 1.0, 9.0]), np.array([10.0, 12.0, -9.0])]
    matrix, clipped = scaling.scaled(columns, np.array([0, 0, 1]), 8.0)
    assert matrix.dtype == np.float32 and matrix.flags.c_contiguous
    assert matrix.tolist() == [[1, 0], [0, 2], [8, -8]] and clipped.tolist() == [1, 1]
    matrix, clipped = scaling.scaled(columns, np.array([0, 0, 1]), None)
    assert matrix.tolist() == [[1, 0], [0, 2], [9, -9]] and clipped.tolist() == [0, 0]
    assert scaling.zero_spread.tolist() == [[False, True], [False, False]]
    assert scaling.frame().rows() == [
        ("X", "a", 1.0, 2.0),
        ("X", "b", 10.0, 1.0),
        ("Y", "a", 0.0, 1.0),
        ("Y", "b", 0.0, 1.0),
    ]


def test_values_too_large_for_a_spread_are_refused():
    x = np.array([-1e300, 1e300])
    with pytest.raises(ResearchError, match="feature a is too large"):
        Scaling.stacked(("a",), None, [standard_parameters(Moments.of([x]))])


def test_a_scaling_comes_back_from_its_file_and_is_of_its_features(tmp_path):
    features, path = ("a", "b"), tmp_path / "scaler_params.parquet"
    centre, spread = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [7.0, 8.0]])
    written = Scaling(features, ("X", "Y"), centre, spread, np.zeros((2, 2), dtype=bool))
    written.frame().write_parquet(path)
    again = read_scaling(path, features)
    assert again.tickers == ("X", "Y")
    assert np.array_equal(again.centre, centre) and np.array_equal(again.spread, spread)
    with pytest.raises(ResearchError, match="is of other features"):
        read_scaling(path, ("b", "a"))
    path.write_bytes(b"none")
    with pytest.raises(ResearchError, match=r"scaler .*; do the run again"):
        read_scaling(path, features)
