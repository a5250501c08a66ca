"""Liquidity, spread and eligibility against plain loops, by hand, and that they look back only."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from mf_etl.research.datasets.liquidity import (
    deviation,
    eligible,
    median_dollar_volume,
    spread,
)


def bars(rows=150, seed=0):
    random = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(0.02 * random.normal(size=rows)))
    high = close * np.exp(0.01 * random.random(rows))
    low = close * np.exp(-0.01 * random.random(rows))
    return high, low, close


def test_median_dollar_volume_is_of_20_rows():
    values = np.random.default_rng(0).lognormal(size=50)
    got = median_dollar_volume(values)
    assert np.isnan(got[:19]).all()
    for t in range(19, 50):
        assert got[t] == statistics.median(values[t - 19 : t + 1])


def test_deviation_is_of_20_returns():
    _, _, close = bars()
    got = deviation(close, eps=1e-12)
    assert np.isnan(got[:20]).all()
    for t in (20, 21, 149):
        returns = [close[i] / close[i - 1] - 1 for i in range(t - 19, t + 1)]
        assert got[t] == pytest.approx(statistics.pstdev(returns))


def test_spread_equals_the_formula_row_by_row():
    high, low, close = bars()
    got = spread(high, low, close)
    assert np.isnan(got[:60]).all()
    c, eta = np.log(close), (np.log(high) + np.log(low)) / 2
    for t in range(60, 150):
        terms = [4 * (c[i - 1] - eta[i - 1]) * (c[i - 1] - eta[i]) for i in range(t - 59, t + 1)]
        assert got[t] == pytest.approx(math.sqrt(max(0, statistics.fmean(terms))), abs=1e-12)


def test_spread_finds_a_known_spread():
    """Efficient price at random, trades at bid or ask: the estimate comes near the true spread."""
    random = np.random.default_rng(1)
    days, ticks, true = 4000, 200, 0.02
    steps = 0.01 / math.sqrt(ticks) * random.normal(size=(days, ticks))
    value = np.cumsum(steps.reshape(-1)).reshape(days, ticks)
    price = value + true / 2 * random.choice([-1, 1], (days, ticks))
    got = spread(np.exp(price.max(1)), np.exp(price.min(1)), np.exp(price[:, -1]))
    assert np.sqrt(np.nanmean(got**2)) == pytest.approx(true, rel=0.1)


def test_nothing_looks_ahead():
    high, low, close = bars()
    for cut in (30, 61, 100):
        for function, series in (
            (median_dollar_volume, (close,)),
            (lambda x: deviation(x, eps=1e-12), (close,)),
            (spread, (high, low, close)),
        ):
            whole, part = function(*series)[:cut], function(*(x[:cut] for x in series))
            np.testing.assert_array_equal(whole, part)


def test_eligible_rows_by_hand():
    adv = np.full(300, 2e6)
    warnings = np.zeros(300, dtype=np.int16)
    warnings[260] = 1
    adv[290:] = 999_999.0
    got = eligible(adv, warnings, is_stock=True, min_adv=1e6)
    assert np.flatnonzero(got).tolist() == [*range(251, 260), *range(280, 290)]
    assert not eligible(adv, warnings, is_stock=False, min_adv=1e6).any()
    assert not eligible(np.full(300, np.nan), warnings, is_stock=True, min_adv=0.0).any()
