"""Sums by day and state against explicit loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mf_etl.research.inference.sums import DateSums, Sums, joined, less_daily_mean

DAYS = np.array([10, 11, 14])


def rows(seed=0, n=200, states=3):
    random = np.random.default_rng(seed)
    values = random.normal(size=n)
    values[random.random(n) < 0.1] = np.nan
    return random.choice(DAYS, n), random.integers(-1, states, n), values


def summed(days, states, values, pieces=1):
    sums = DateSums(DAYS, 3, ["x"])
    for part in np.array_split(np.arange(len(days)), pieces):
        sums.add(days[part], states[part], {"x": values[part]})
    return sums.of("x")


def test_sums_equal_a_loop_over_rows():
    days, states, values = rows()
    count, total, square = np.zeros((3, 3, 3))
    for day, state, value in zip(days, states, values, strict=True):
        if state >= 0 and not np.isnan(value):
            at = (list(DAYS).index(day), state)
            count[at] += 1
            total[at] += value
            square[at] += value**2
    got = summed(days, states, values)
    np.testing.assert_array_equal(got.count, count)
    np.testing.assert_array_equal(got.total, total)
    np.testing.assert_array_equal(got.square, square)


def test_pieces_of_any_size_give_the_same_bytes():
    one, many = summed(*rows()), summed(*rows(), pieces=17)
    assert one.total.tobytes() == many.total.tobytes()
    assert one.square.tobytes() == many.square.tobytes()


def test_a_day_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="none of those given"):
        DateSums(DAYS, 3, ["x"]).add(np.array([12]), np.array([0]), {"x": np.array([1.0])})


def test_statistics_by_hand():
    # Two days; state 0: 1, 3 on day 0 and 5 on day 1. State 1: nothing.
    sums = Sums(
        np.array([0, 1]),
        np.array([[2.0, 0], [1, 0]]),
        np.array([[4.0, 0], [5, 0]]),
        np.array([[10.0, 0], [25, 0]]),
    )
    assert sums.mean[0] == 3.0 and np.isnan(sums.mean[1])
    # ψ: (4 − 3·2)·2/3 and (5 − 3)·2/3.
    np.testing.assert_allclose(sums.scores[:, 0], [-4 / 3, 4 / 3])
    assert (sums.scores[:, 1] == 0).all()
    assert sums.mean_by_date(least=1)[0] == pytest.approx((2 + 5) / 2)
    assert sums.mean_by_date(least=2)[0] == pytest.approx(2)
    assert np.isnan(sums.mean_by_date()[0])
    assert sums.naive_error()[0] == pytest.approx(np.std([1, 3, 5], ddof=1) / np.sqrt(3))


def test_less_daily_mean_equals_the_sums_of_values_less_it():
    days, states, values = rows(3)
    used = (states >= 0) & ~np.isnan(values)
    centred = values.copy()
    for day in DAYS:
        that = used & (days == day)
        centred[that] -= values[that].mean()
    got, want = less_daily_mean(summed(days, states, values)), summed(days, states, centred)
    np.testing.assert_allclose(got.total, want.total, atol=1e-12)
    np.testing.assert_allclose(got.square, want.square, atol=1e-12)


def test_columns_and_days_can_be_chosen_and_joined():
    sums = summed(*rows())
    both = joined([sums.columns([2]), sums.columns([0])])
    np.testing.assert_array_equal(both.total, sums.total[:, [2, 0]])
    np.testing.assert_array_equal(sums.on(DAYS > 10).count, sums.count[1:])
