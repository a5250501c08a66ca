"""Intervals and p values against explicit loops, by hand, and published procedures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mf_etl.research.inference.draws import Draws
from mf_etl.research.inference.intervals import (
    differences,
    equal_means,
    estimates,
    estimates_of,
    false_discovery,
    stepdown,
)
from mf_etl.research.inference.separation import separation, spread
from mf_etl.research.inference.sums import Sums


def drawn_means(columns=5, seed=0, replications=400):
    random = np.random.default_rng(seed)
    common = random.normal(size=(replications, 1))
    mean = np.linspace(-1, 5, columns)
    return mean, mean + common + random.normal(size=(replications, columns))


def test_estimates_by_hand():
    drawn = np.array([[1.0], [2], [3], [6]])
    got = estimates_of(np.array([3.0]), drawn, widening=1.1)
    se = np.std([1, 2, 3, 6], ddof=1)
    assert got.se_block[0] == pytest.approx(se)
    assert got.hi[0] == pytest.approx(3 + 1.959964 * 1.1 * se)
    assert got.lo[0] == pytest.approx(3 - 1.959964 * 1.1 * se)
    assert got.t[0] == pytest.approx(3 / se)
    # 1.1·|m* − 3| = 2.2, 1.1, 0, 3.3 against 3: one of four.
    assert got.p[0] == pytest.approx(2 / 5)


def test_what_does_not_vary_or_is_missing_from_a_draw_is_not_tested():
    drawn = np.array([[1.0, np.nan, 1], [1, 2, 2], [1, 3, 3]])
    got = estimates_of(np.array([1.0, 2, 2]), drawn, 1.0)
    assert got.tested.tolist() == [False, False, True]
    assert np.isnan(got.lo[:2]).all() and np.isnan(got.p[:2]).all() and got.mean[0] == 1


def test_stepdown_equals_the_procedure_step_by_step():
    mean, drawn = drawn_means()
    found = estimates_of(mean, drawn, 1.0)
    left, adjusted, before = set(range(5)), {}, 0.0
    while left:
        strongest = max(left, key=lambda k: abs(found.t[k]))
        largest = [max(abs(row[k]) for k in left) for row in found.stars]
        beyond = sum(one >= abs(found.t[strongest]) for one in largest)
        before = adjusted[strongest] = max(before, (1 + beyond) / (len(drawn) + 1))
        left.remove(strongest)
    got = stepdown(found.stars, found.t)
    assert got.tolist() == [adjusted[k] for k in range(5)]
    assert (got >= found.p).all() and got.min() < 0.2 < got.max()


def test_stepdown_of_one_is_its_own_p_and_untested_columns_are_left_out():
    mean, drawn = drawn_means(2)
    drawn[0, 0] = np.nan
    found = estimates_of(mean, drawn, 1.0)
    got = stepdown(found.stars, found.t)
    assert np.isnan(got[0]) and got[1] == found.p[1]


def test_false_discovery_by_hand():
    # c(3) = 1 + 1/2 + 1/3; p·3·c/rank from the largest down.
    c = 1 + 1 / 2 + 1 / 3
    got = false_discovery(np.array([0.01, np.nan, 0.02, 0.2]))
    np.testing.assert_allclose(got, [0.01 * 3 * c, np.nan, 0.02 * 3 / 2 * c, 0.2 * c])
    assert np.isnan(false_discovery(np.array([np.nan]))).all()


def test_differences_are_of_each_pair_of_tested_columns():
    mean, drawn = drawn_means(4)
    drawn[0, 1] = np.nan
    which, got = differences(estimates_of(mean, drawn, 1.3), drawn, 1.3)
    assert which.tolist() == [[0, 2], [0, 3], [2, 3]]
    for (one, other), value, se in zip(which, got.mean, got.se_block, strict=True):
        assert value == mean[one] - mean[other]
        assert se == pytest.approx(np.std(drawn[:, one] - drawn[:, other], ddof=1))


def test_joint_test_equals_the_formula_and_does_not_know_the_order_of_states():
    mean, drawn = drawn_means(4)
    contrast = np.array([[-1, 1, 0, 0], [-1, 0, 1, 0], [-1, 0, 0, 1]])
    inverse = np.linalg.inv(contrast @ np.cov(drawn.T) @ contrast.T)
    w = (contrast @ mean) @ inverse @ (contrast @ mean)
    star = [(contrast @ (row - mean)) @ inverse @ (contrast @ (row - mean)) for row in drawn]
    got = equal_means(mean, drawn, 1.0)
    assert got.w == pytest.approx(w)
    assert got.p == pytest.approx((1 + sum(one >= w for one in star)) / 401)
    for order in itertools.permutations(range(4)):
        assert equal_means(mean[list(order)], drawn[:, order], 1.0).w == pytest.approx(w)
    assert equal_means(mean[:1], drawn[:, :1], 1.0).w is None


def market(seed, days=300, effect=0.0):
    """Daily sums of three states with a common factor."""
    random = np.random.default_rng(seed)
    count = random.integers(5, 30, (days, 3)).astype(float)
    noise = 0.01 * random.normal(size=(days, 1)) + 0.005 * random.normal(size=(days, 3))
    total = count * (noise + np.array([0, 0, effect]))
    return Sums(np.arange(days), count, total, total**2)


def test_separation_of_states_that_do_not_differ_reaches_down_to_0():
    got = separation(market(1), Draws(300, 5, 500, 0))
    assert got.lo == 0.0 and 0 < got.value < got.hi


def test_separation_finds_a_planted_difference():
    sums = market(1, effect=0.01)
    got = separation(sums, Draws(300, 5, 500, 0))
    assert got.highest == 2 and 0.005 < got.lo < 0.01 < got.hi < 0.015
    assert got.value == sums.mean.max() - sums.mean.min()


def test_separation_covers_and_is_seldom_above_0_without_a_difference():
    found = [separation(market(seed, days=150), Draws(150, 3, 200, seed)) for seed in range(60)]
    assert sum(one.lo > 0 for one in found) <= 6
    planted = [separation(market(s, 150, 0.004), Draws(150, 3, 200, s)) for s in range(60)]
    assert sum(one.lo <= 0.004 <= one.hi for one in planted) >= 54


def test_separation_needs_two_states():
    sums = market(1)
    got = separation(sums.columns([0]), Draws(300, 5, 50, 0))
    assert got.value is None and got.lo is None
    assert spread(np.array([np.nan, 1.0])) == (None, None, None)


def test_estimates_of_sums_are_those_of_the_draws():
    sums, draws = market(4), Draws(300, 5, 100, 0)
    one, other = estimates(sums, draws), estimates_of(sums.mean, draws.means(sums), draws.widening)
    assert one.p.tobytes() == other.p.tobytes()
