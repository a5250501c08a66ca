"""Regressions with errors that hold under autocorrelation (Newey and West 1987)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm

from mf_etl.research.inference.sums import Floats


@dataclass(frozen=True)
class Line:
    """y = alpha + beta·x: estimates and alpha's t statistic; None where they cannot be told."""

    alpha: float | None
    beta: float | None
    t_alpha: float | None


def mean_error(values: Floats, lags: int) -> float:
    """Standard error of the mean of a series, shape (T,), with Bartlett weights to `lags`.

    NaN for fewer than two values.
    """
    if len(values) < 2:
        return float("nan")
    lags = min(lags, len(values) - 1)
    fitted = sm.OLS(values, np.ones(len(values))).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    return float(fitted.bse[0])


def line(y: Floats, x: Floats, lags: int) -> Line:
    """The line through (x, y), shape (T,) each; pairs with a NaN are left out."""
    both = ~(np.isnan(y) | np.isnan(x))
    y, x = y[both], x[both]
    if len(y) < 3 or not np.ptp(x) or not np.ptp(y):
        return Line(None, None, None)
    fitted = sm.OLS(y, sm.add_constant(x)).fit(
        cov_type="HAC", cov_kwds={"maxlags": min(lags, len(y) - 1)}
    )
    alpha, beta = fitted.params.tolist()
    return Line(alpha, beta, float(fitted.tvalues[0]) if fitted.bse[0] > 0 else None)
