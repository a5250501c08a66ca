"""Trials: effective number by hand, reality check and overfitting on luck and on skill."""

from __future__ import annotations

import itertools
import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from arch.bootstrap import SPA, StationaryBootstrap

from mf_etl.research.validation.sharpe import deflated_sharpe, sharpe, sharpe_error
from mf_etl.research.validation.trials import (
    daily_series,
    probability_of_overfitting,
    superior_ability,
    trials,
)


def luck(seed, days=400, count=6, skill=0.0):
    daily = 0.01 * np.random.default_rng(seed).normal(size=(days, count))
    daily[:, 2] += skill
    return daily


def test_effective_number_is_that_of_the_eigenvalues():
    daily = luck(0)
    daily[:, 5] = daily[:, 4]
    values = np.linalg.eigvalsh(np.corrcoef(daily.T))
    got = trials(daily, 20)
    assert got.effective == pytest.approx(values.sum() ** 2 / (values**2).sum())
    assert 4 < got.effective < 6 and got.count == 20
    errors = [sharpe_error(column, 20) for column in daily.T]
    assert got.variance == pytest.approx(np.mean(np.square(errors)))


def test_the_variance_of_luck_is_that_between_trials_without_skill_whatever_the_skill_of_one():
    every = [luck(seed, count=30) for seed in range(40)]
    between = np.mean([np.var([sharpe(column) for column in one.T], ddof=1) for one in every])
    within = np.mean([trials(one, 30).variance for one in every])
    assert within == pytest.approx(between, rel=0.15)
    skilled = luck(0, count=12)
    both_ways = np.concatenate([skilled[:, :6] + 0.006, -skilled[:, :6] - 0.006], axis=1)
    own = both_ways[:, 0]
    found = trials(both_ways, 12)
    assert deflated_sharpe(own, 12, found.variance)[1] > 0.99
    # Between trials it is the skill's own: no ratio could ever be beyond it.
    told = np.var([sharpe(column) for column in both_ways.T], ddof=1)
    assert deflated_sharpe(own, 12, told)[1] < 0.01


def test_the_best_of_many_without_skill_is_not_believed():
    beyond = 0
    for seed in range(60):
        daily = luck(seed, count=24)
        best = daily[:, np.argmax([sharpe(column) for column in daily.T])]
        beyond += deflated_sharpe(best, 24, trials(daily, 24).variance)[1] > 0.95
    assert beyond <= 6


def test_equal_trials_are_one():
    daily = np.repeat(luck(0)[:, :1], 5, axis=1)
    assert trials(daily, 5).effective == pytest.approx(1.0)


def test_fewer_than_four_that_move_bear_nothing():
    daily = luck(0, count=5)
    daily[:, 3:] = 0
    assert trials(daily, 5).effective is None
    assert superior_ability(daily, block=5) is None
    assert probability_of_overfitting(daily[:, :3]) is None
    assert probability_of_overfitting(daily[:31]) is None


def test_reality_check_of_luck_and_of_skill():
    lucky = [superior_ability(luck(s), block=1, replications=300) for s in range(20)]
    assert sum(one["consistent"] <= 0.1 for one in lucky) <= 5
    assert all(one["lower"] <= one["consistent"] <= one["upper"] for one in lucky)
    skilled = superior_ability(luck(0, skill=0.002), block=5, replications=300)
    assert skilled["consistent"] < 0.05


def test_the_reality_check_is_that_of_the_library_on_studentized_losses():
    """Columns in units of their own error: a loud trial does not drown a good one."""
    active = luck(1, skill=0.003) * np.array([1, 1, 1, 1, 1, 50.0])
    got = superior_ability(active, block=4, replications=400, seed=3)
    draws = StationaryBootstrap(4, np.arange(400), seed=np.random.default_rng(3))
    means = np.array([active[taken].mean(axis=0) for (taken,), _ in draws.bootstrap(400)])
    losses = -active / (means.std(axis=0, ddof=1) * np.sqrt(400))
    spa = SPA(
        np.zeros(400), losses, block_size=4, reps=400, studentize=False,
        seed=np.random.default_rng(3),
    )  # fmt: skip
    spa.compute()
    assert got == {name: pytest.approx(p) for name, p in spa.pvalues.items()}
    loud = SPA(np.zeros(400), -active, block_size=4, reps=400, studentize=False, seed=3)
    loud.compute()
    assert got["upper"] < 0.05 < loud.pvalues["upper"]


def test_series_are_of_the_days_that_all_trials_have():
    days = [date(2020, 1, n) for n in range(1, 6)]
    one = {"run": "a", "state": 0, "side": "long", "h": 1}
    told = [one, {**one, "side": "short"}, {**one, "run": "b"}]
    rows = [
        {**trial, "trade_date": day, "active": float(10 * n + at) if at != 4 else None}
        for n, trial in enumerate(told)
        for at, day in enumerate(days)
        if not (n == 2 and at == 0)
    ]
    got = daily_series(pl.DataFrame(rows))
    assert got.tolist() == [[1, 11, 21], [2, 12, 22], [3, 13, 23]]
    assert daily_series(pl.DataFrame(rows).clear()).shape == (0, 0)


def plain_overfitting(active, blocks):
    length = len(active) // blocks
    used = active[len(active) - length * blocks :]
    worse = 0
    splits = list(itertools.combinations(range(blocks), blocks // 2))
    for chosen in splits:
        days = np.arange(len(used)) // length
        inside = np.isin(days, chosen)
        best = max(range(active.shape[1]), key=lambda k: sharpe(used[inside, k]))
        other = [sharpe(used[~inside, k]) for k in range(active.shape[1])]
        rank = sorted(other).index(other[best]) + 1
        worse += math.log(rank / (len(other) + 1) / (1 - rank / (len(other) + 1))) <= 0
    return worse / len(splits), len(splits)


def test_overfitting_equals_the_procedure_split_by_split():
    active = luck(3, days=203)
    got = probability_of_overfitting(active, blocks=6)
    pbo, splits = plain_overfitting(active, 6)
    assert got.pbo == pytest.approx(pbo) and len(got.logits) == splits == 20


def test_luck_is_overfitted_half_the_time_and_skill_is_not():
    lucky = [probability_of_overfitting(luck(s), blocks=8).pbo for s in range(30)]
    assert 0.35 < np.mean(lucky) < 0.7
    assert probability_of_overfitting(luck(0, skill=0.003), blocks=8).pbo == 0.0
    assert len(probability_of_overfitting(luck(0)).logits) == math.comb(16, 8)
