"""Sharpe ratios against published examples and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mf_etl.research.inference.hac import line, mean_error
from mf_etl.research.validation.sharpe import (
    deflated_sharpe,
    expected_best,
    max_drawdown,
    probabilistic_sharpe,
    sharpe,
    sharpe_error,
)


@pytest.mark.parametrize(
    ("trials", "skewness", "kurtosis", "published"),
    [(46, -3.0, 10.0, 0.9505), (100, -3.0, 10.0, 0.9004), (88, 0.0, 3.0, 0.9505)],
)
def test_the_example_of_bailey_and_lopez_de_prado(trials, skewness, kurtosis, published):
    """Annual SR 2.5 over 1,250 days of 250 a year; the trials' annual SR varies by 1/2."""
    best = expected_best(trials, 0.5 / 250)
    got = probabilistic_sharpe(2.5 / math.sqrt(250), best, 1250, skewness, kurtosis)
    assert got == pytest.approx(published, abs=5e-5)


def test_one_trial_is_not_deflated():
    assert expected_best(1, 0.3) == 0.0
    returns = np.random.default_rng(0).normal(0.001, 0.01, 500)
    psr, dsr = deflated_sharpe(returns, 1, 0.3)
    assert psr == dsr
    _, after_many = deflated_sharpe(returns, 50, 0.05**2)
    assert after_many < dsr


def test_psr_of_returns_by_hand():
    returns = np.array([0.01, -0.02, 0.03, 0.01])
    mean, deviation = 0.0075, math.sqrt(np.mean((returns - 0.0075) ** 2))
    ratio = mean / deviation
    assert sharpe(returns) == pytest.approx(ratio)
    z = (returns - mean) / deviation
    variance = 1 - (z**3).mean() * ratio + ((z**4).mean() - 1) / 4 * ratio**2
    psr, _ = deflated_sharpe(returns, 1, 0.0)
    assert psr == pytest.approx(stats.norm.cdf(ratio * math.sqrt(3 / variance)))


def test_error_of_independent_returns_is_that_of_lo():
    """Without autocorrelation and normal: √((1 + SR²/2)/T)."""
    returns = np.random.default_rng(1).normal(0.1, 1, 20_000)
    expected = math.sqrt((1 + sharpe(returns) ** 2 / 2) / len(returns))
    assert sharpe_error(returns, 0) == pytest.approx(expected, rel=0.02)


def test_error_grows_with_autocorrelation():
    noise = np.random.default_rng(2).normal(size=5000)
    smooth = np.convolve(noise, np.ones(5) / 5, mode="valid")
    assert sharpe_error(smooth, 10) > 1.5 * sharpe_error(smooth, 0)


def test_newey_west_error_equals_the_sum_of_covariances():
    values = np.random.default_rng(3).normal(size=60).cumsum() / 5
    centred = values - values.mean()
    variance = (centred**2).sum()
    for lag in range(1, 5):
        variance += 2 * (1 - lag / 5) * (centred[lag:] * centred[:-lag]).sum()
    assert mean_error(values, 4) == pytest.approx(math.sqrt(variance) / 60)
    assert math.isnan(mean_error(values[:1], 4))


def test_a_line_by_hand():
    x = np.array([0.0, 1, 2, 3, np.nan])
    got = line(1 + 2 * x + np.array([0.1, -0.1, -0.1, 0.1, 0]), x, 0)
    assert (got.alpha, got.beta) == (pytest.approx(1.0), pytest.approx(2.0))
    assert line(x, np.ones(5), 1).alpha is None


def test_what_does_not_vary_has_no_ratio():
    assert math.isnan(sharpe(np.zeros(5))) and math.isnan(sharpe_error(np.zeros(5), 1))
    assert math.isnan(deflated_sharpe(np.zeros(5), 3, 1.0)[0])
    assert math.isnan(probabilistic_sharpe(2.0, 0, 100, 3.0, 1.0))


def test_drawdown_by_hand():
    assert max_drawdown(np.array([0.5, -0.5, 0.2])) == pytest.approx(-0.5)
    assert max_drawdown(np.array([-0.1, 0.5])) == pytest.approx(-0.1)
    assert max_drawdown(np.array([0.1])) == 0.0 == max_drawdown(np.array([]))
