"""Trials: effective number by hand, reality check and overfitting on luck and on skill."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from mf_etl.research.validation.sharpe import sharpe
from mf_etl.research.validation.trials import (
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
    assert got.variance == pytest.approx(np.var([sharpe(c) for c in daily.T], ddof=1))


def test_equal_trials_are_one():
    daily = np.repeat(luck(0)[:, :1], 5, axis=1)
    assert trials(daily, 5).effective == pytest.approx(1.0)


def test_fewer_than_four_that_move_bear_nothing():
    daily = luck(0, count=5)
    daily[:, 3:] = 0
    assert trials(daily, 5).effective is None
    assert superior_ability(np.zeros(400), daily, block=5) is None
    assert probability_of_overfitting(daily[:, :3]) is None
    assert probability_of_overfitting(daily[:31]) is None


def test_reality_check_of_luck_and_of_skill():
    market = 0.01 * np.random.default_rng(9).normal(size=400)
    lucky = [
        superior_ability(market, market[:, None] + luck(s), block=1, replications=300)
        for s in range(20)
    ]
    assert sum(one["consistent"] <= 0.1 for one in lucky) <= 5
    assert all(one["lower"] <= one["consistent"] <= one["upper"] for one in lucky)
    skilled = superior_ability(
        market, market[:, None] + luck(0, skill=0.002), block=5, replications=300
    )
    assert skilled["consistent"] < 0.05


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
