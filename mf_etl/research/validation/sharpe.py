"""Sharpe ratios: their error, and how likely one is after so many trials."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from mf_etl.research.inference.hac import mean_error
from mf_etl.research.inference.sums import Floats

DAYS_A_YEAR = 252
EULER = 0.5772156649015329


def sharpe(returns: Floats) -> float:
    """Mean over population standard deviation of daily returns, shape (T,); a day's, not a year's.

    NaN where they do not vary.
    """
    deviation = float(returns.std()) if len(returns) else 0.0
    return float(returns.mean()) / deviation if deviation > 0 else float("nan")


def sharpe_error(returns: Floats, lags: int) -> float:
    """Standard error of `sharpe` (Lo 2002, eq. 16 to 20), autocorrelation up to `lags` days.

    By the delta method: the error of the mean of (r − μ)/σ − SR·((r − μ)² − σ²)/(2σ²).
    """
    ratio, deviation = sharpe(returns), float(returns.std()) if len(returns) else 0.0
    if math.isnan(ratio):
        return float("nan")
    standard = (returns - returns.mean()) / deviation
    return mean_error(standard - ratio / 2 * (standard**2 - 1), lags)


def probabilistic_sharpe(
    ratio: float, benchmark: float, days: int, skewness: float, kurtosis: float
) -> float:
    """PSR: the probability that the true Sharpe ratio is above `benchmark`; both of one day.

    Φ((SR − SR*)·√(T − 1)/√(1 − γ₃·SR + (γ₄ − 1)/4·SR²)) with γ₄ not excess: 3 for normal returns
    (Bailey and López de Prado 2012). NaN where the variance under the root is not positive.
    """
    variance = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    if not variance > 0 or days < 2:
        return float("nan")
    return float(stats.norm.cdf((ratio - benchmark) * math.sqrt((days - 1) / variance)))


def expected_best(trials: float, variance: float) -> float:
    """SR₀: what the best of so many trials without skill is expected to have, by their variance.

    √V·((1 − γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e))) (Bailey and López de Prado 2014); 0 for one trial.
    """
    if trials <= 1:
        return 0.0
    quantile = stats.norm.ppf
    best = (1 - EULER) * quantile(1 - 1 / trials) + EULER * quantile(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * float(best)


def deflated_sharpe(returns: Floats, trials: float, variance: float) -> tuple[float, float]:
    """PSR above 0 and DSR = PSR above `expected_best`, of daily returns, shape (T,).

    `variance` is that of the daily Sharpe ratio of a trial without skill.
    """
    ratio = sharpe(returns)
    if math.isnan(ratio):
        return float("nan"), float("nan")
    standard = (returns - returns.mean()) / returns.std()
    skewness, kurtosis = float((standard**3).mean()), float((standard**4).mean())
    days, best = len(returns), expected_best(trials, variance)
    return (
        probabilistic_sharpe(ratio, 0.0, days, skewness, kurtosis),
        probabilistic_sharpe(ratio, best, days, skewness, kurtosis),
    )


def max_drawdown(returns: Floats) -> float:
    """Deepest fall of compounded returns from a former height, from the start on; at most 0."""
    wealth = np.concatenate([np.ones(1), np.cumprod(1 + returns)])
    return float((wealth / np.maximum.accumulate(wealth) - 1).min())
