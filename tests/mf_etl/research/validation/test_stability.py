"""Years, drift and dwell by hand and against simulated cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from mf_etl.research.inference.sums import Sums
from mf_etl.research.validation.stability import (
    agreement,
    by_year,
    dwell,
    dwell_test,
    geometric,
    homogeneity,
    rank_agreement,
    share_drift,
    survival_mean,
    transition_drift,
)


def sums(effect, seed=0, years=4):
    """Four years of three states: `effect` is the daily mean by state."""
    random = np.random.default_rng(seed)
    days = np.arange("2001-01-01", f"{2001 + years}-01-01", dtype="datetime64[D]").astype(np.int64)
    days = days[days % 7 < 5]
    count = random.integers(5, 20, (len(days), 3)).astype(float)
    total = count * (np.array(effect) + 0.01 * random.normal(size=(len(days), 3)))
    return Sums(days, count, total, total**2)


def test_a_year_leaves_out_its_last_dates():
    data = sums([0, 0, 0])
    got = by_year(data, 10, block=5, replications=50, seed=0)
    year = data.days.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    assert got.years.tolist() == [2001, 2002, 2003, 2004]
    for row, one in enumerate(got.years):
        rows = np.flatnonzero(year == one)[:-10]
        np.testing.assert_allclose(
            got.mean[row], data.total[rows].sum(axis=0) / data.count[rows].sum(axis=0)
        )
    assert got.drawn.shape == (50, 4, 3) and (got.se_block > 0).all()


def test_later_years_do_not_change_earlier_ones():
    data = sums([0.001, 0, 0])
    first = data.on(data.days < np.datetime64("2003-01-01").astype(int))
    whole, part = (by_year(s, 10, block=5, replications=20, seed=1) for s in (data, first))
    assert whole.mean[:2].tobytes() == part.mean.tobytes()
    assert whole.drawn[:, :2].tobytes() == part.drawn.tobytes()


def test_states_that_keep_their_order_agree():
    kept = agreement(by_year(sums([-0.01, 0, 0.01]), 10, block=5, replications=60, seed=0))
    assert kept.tau == 1.0 and kept.lo > 0.5
    luck = agreement(by_year(sums([0, 0, 0]), 10, block=5, replications=60, seed=0))
    assert luck.lo < 0.34 and luck.lo <= luck.hi
    assert np.isnan(rank_agreement(np.zeros((1, 3))))


def test_tau_by_hand():
    # 1 and −1/3 between neighbouring years.
    mean = np.array([[1.0, 2, 3], [4, 5, 6], [6, 4, 5]])
    assert rank_agreement(mean) == pytest.approx((1 - 1 / 3) / 2)
    mean[0, 2] = np.nan
    assert rank_agreement(mean[:2]) == 1.0


def test_homogeneity_by_hand():
    mean, error = np.array([1.0, 3.0, np.nan]), np.array([1.0, 2.0, 1.0])
    centre = (1 + 3 / 4) / (1 + 1 / 4)
    q = (1 - centre) ** 2 + (3 - centre) ** 2 / 4
    got = homogeneity(mean, error)
    assert got.q == pytest.approx(q) and got.p == pytest.approx(stats.chi2.sf(q, 1))
    assert np.isnan(homogeneity(mean[:1], error[:1]).q)


def test_drift_of_shares_and_steps_by_hand():
    train = np.array([0.5, 0.5])
    got = share_drift(np.array([[0.5, 0.5], [1.0, 0.0]]), train)
    mixed = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    np.testing.assert_allclose(got, [0, mixed - 0.5], atol=1e-15)
    apart = share_drift(np.array([[1.0, 0.0]]), np.array([0.0, 1.0]))
    assert apart[0] == pytest.approx(1.0)
    steps = transition_drift(np.array([[9.0, 1], [2, 8]]), np.array([[5.0, 5], [1, 4]]))
    assert steps == pytest.approx(0.5 * 0.4)
    assert np.isnan(transition_drift(np.zeros((2, 2)), np.ones((2, 2))))


def plain_kaplan_meier(lengths, cut):
    """Survival after each length by the product over lengths."""
    survival, curve = 1.0, {}
    for length in sorted(set(lengths)):
        ended = sum(a == length and not c for a, c in zip(lengths, cut, strict=True))
        at_risk = sum(a >= length for a in lengths)
        survival *= 1 - ended / at_risk
        curve[length] = survival
    return curve


def test_dwell_equals_the_product_over_lengths():
    lengths = np.array([1, 2, 2, 3, 5, 5, 8, 9])
    cut = np.array([False, False, True, False, False, True, False, False])
    curve = plain_kaplan_meier(lengths.tolist(), cut.tolist())
    points = [0, *curve]
    mean = sum((b - a) * (1.0 if a == 0 else curve[a]) for a, b in itertools.pairwise(points))
    got = dwell(lengths, cut)
    assert got.runs == 8 and got.cut_off == 2
    assert got.km_mean == pytest.approx(mean)
    assert got.km_median == next(x for x, s in curve.items() if s <= 0.5)
    assert got.lo is not None and got.lo <= got.km_median
    assert survival_mean(np.array([2.0, 4.0]), np.array([0.5, 0.0])) == 3.0


def test_runs_that_all_were_cut_off_tell_nothing():
    got = dwell(np.array([4, 5]), np.array([True, True]))
    assert got.km_mean is None and got.cut_off == 2
    assert dwell_test(np.array([4]), np.array([True]), geometric(0.9)) is None


def test_dwell_of_a_chain_is_told_from_another():
    random = np.random.default_rng(0)
    found = []
    for _ in range(20):
        length, limit = random.geometric(0.1, 200), random.geometric(0.04, 200)
        runs, cut = np.minimum(length, limit), length > limit
        found.append(dwell_test(runs, cut, geometric(0.9), draws=49))
        assert dwell_test(runs, cut, geometric(0.8), draws=49) == 0.02
    assert sum(p <= 0.1 for p in found) <= 6 and np.mean(found) > 0.3
    assert dwell_test(length, np.zeros(200, dtype=bool), geometric(0.9), draws=49) > 0.02
