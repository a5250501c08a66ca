"""Draws of whole dates: what they hold, how long blocks are, and hand-computed means."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arch.bootstrap import optimal_block_length
from scipy import stats

from mf_etl.research.inference.draws import Draws, block_length, date_draws
from mf_etl.research.inference.sums import Sums


def sums_of(total, count=None):
    total = np.asarray(total, dtype=np.float64)
    count = np.ones_like(total) if count is None else np.asarray(count, dtype=np.float64)
    return Sums(np.arange(len(total)), count, total, total**2)


def weights(draws):
    return np.concatenate(list(draws.multiplicities()))


def test_each_draw_takes_as_many_days_as_there_are():
    taken = weights(Draws(50, 5, replications=600, seed=3))
    assert taken.shape == (600, 50)
    assert (taken.sum(axis=1) == 50).all() and (taken == np.rint(taken)).all()
    # Every day is as likely as any other.
    assert np.abs(taken.mean(axis=0) - 1).max() < 0.25


def test_the_same_seed_gives_the_same_draws_and_another_others():
    one, same, other = (weights(Draws(40, 4, 300, seed)) for seed in (1, 1, 2))
    assert one.tobytes() == same.tobytes() and one.tobytes() != other.tobytes()


def test_neighbouring_days_come_together_in_blocks():
    near, apart = [], []
    for block in (1, 20):
        taken = weights(Draws(200, block, 400, 0)) - 1
        near.append((taken[:, :-1] * taken[:, 1:]).mean())
        apart.append((taken[:, :-100] * taken[:, 100:]).mean())
    assert abs(near[0]) < 0.05 and near[1] > apart[1] + 0.6


def test_means_are_ratios_of_weighted_sums():
    random = np.random.default_rng(0)
    count = random.integers(0, 4, (30, 3)).astype(float)
    total = random.normal(size=(30, 3)) * count
    count[1:, 2] = total[1:, 2] = 0
    count[0, 2] = 1.0
    draws = Draws(30, 3, replications=270, seed=5)
    got = draws.means(sums_of(total, count))
    for row, taken in zip(got, weights(draws), strict=True):
        for column in range(3):
            rows = sum(taken[day] * count[day, column] for day in range(30))
            if rows == 0:
                assert column == 2 and math.isnan(row[column])
            else:
                value = sum(taken[day] * total[day, column] for day in range(30)) / rows
                assert row[column] == pytest.approx(value, abs=1e-12)


def test_widening_is_that_of_the_blocks():
    factor = stats.t.ppf(0.975, 20) / stats.norm.ppf(0.975) / math.sqrt(1 - 1 / 20)
    assert Draws(days=400, block=20).widening == pytest.approx(factor)
    assert factor == pytest.approx(1.0919, abs=1e-4)


def test_blocks_are_the_longest_that_a_column_asks_for_within_bounds():
    random = np.random.default_rng(1)
    noise = random.normal(size=(900, 3))
    for day in range(1, 900):
        noise[day, 1] += 0.9 * noise[day - 1, 1]
    noise[:, 2] = 0.25
    asked = optimal_block_length(noise[:, 1])["stationary"].iloc[0]
    assert block_length(noise, 1) == math.ceil(asked) and 4 < asked < 90
    assert block_length(noise[:, :1], 20) == 42
    assert block_length(noise[:40], 20) == math.floor(3 * math.sqrt(40))
    assert block_length(noise[:, 2:], 10) == 22
    with pytest.raises(ValueError, match="16 are needed"):
        block_length(noise[:15], 1)


def test_draws_for_sums_go_by_their_scores():
    total = np.random.default_rng(2).normal(size=(400, 2))
    draws = date_draws(sums_of(total), 5, replications=10, seed=4)
    assert draws == Draws(400, 12, 10, 4)


def test_days_that_are_all_the_same_give_their_mean_in_every_draw():
    """One column, T equal sums: each draw is T times the same day."""
    days = np.arange(40)
    sums = Sums(days, np.full((40, 1), 4.0), np.full((40, 1), 0.5), np.full((40, 1), 0.1))
    means = Draws(40, 7, 50, 1).means(sums)
    assert means.shape == (50, 1) and (means == 0.125).all()


def test_one_day_that_differs_counts_as_often_as_it_is_drawn():
    total = np.zeros((40, 1))
    total[17] = 3.0
    sums = Sums(np.arange(40), np.ones((40, 1)), total, total**2)
    draws = Draws(40, 7, 50, 1)
    taken = np.concatenate(list(draws.multiplicities()))
    np.testing.assert_allclose(draws.means(sums)[:, 0], 3.0 * taken[:, 17] / 40)
