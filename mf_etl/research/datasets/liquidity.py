"""What trading one listing costs, and whether it is one that outcomes are told of.

Every function takes a whole segment and looks back only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mf_etl.research.datasets.outcomes import Floats, Integers
from mf_etl.series import divide, lag, window_mean, window_mean_std, window_sum

VOLUME_BARS = 20
DEVIATION_BARS = 20
SPREAD_BARS = 60
WARNING_BARS = 20
HISTORY_BARS = 252
"""Rows of a segment before its rows are eligible: a trading year."""


def median_dollar_volume(dollar_volume: Floats) -> Floats:
    """``adv_20``: median of close·volume over rows t−19..t, in currency; NaN until there are 20."""
    # The mean of the 10th and the 11th of each window; the filter's windows end at their row.
    lower, upper = (
        ndimage.rank_filter(dollar_volume, rank, size=VOLUME_BARS, origin=VOLUME_BARS // 2 - 1)
        for rank in (VOLUME_BARS // 2 - 1, VOLUME_BARS // 2)
    )
    median: Floats = (lower + upper) / 2
    median[: VOLUME_BARS - 1] = np.nan
    return median


@np.errstate(over="ignore", invalid="ignore")
def deviation(close: Floats, *, eps: float) -> Floats:
    """``sigma_20``: population standard deviation of the last 20 daily close returns (fraction)."""
    return window_mean_std(divide(close, lag(close), eps) - 1.0, DEVIATION_BARS)[1]


@np.errstate(divide="ignore", invalid="ignore")
def spread(high: Floats, low: Floats, close: Floats) -> Floats:
    """``spread_60``: the bid-ask spread as a fraction of the price, from daily bars alone.

    √max(0, mean over the last 60 rows of 4(c[−1] − η[−1])(c[−1] − η)), c the log close and η the mid of
    the day's log range (Abdi and Ranaldo 2017, eq. 11). The mean is taken under the root: two-day
    values are below 0 for half of the days. NaN until there are 61 rows.
    """
    logs = np.log(close)
    middle = (np.log(high) + np.log(low)) / 2
    before = lag(logs)
    products = 4 * (before - lag(middle)) * (before - middle)
    squared: Floats = np.maximum(window_mean(products, SPREAD_BARS), 0.0)
    return np.sqrt(squared)


def eligible(
    adv: Floats, warnings: Integers, *, is_stock: bool, min_adv: float
) -> NDArray[np.bool_]:
    """Rows that outcomes are told of: a stock with adv_20 of at least `min_adv`, 252 rows of history
    in the segment and no quality warning in the last 20 rows.

    There is no least price: closes are adjusted, so a floor would know later splits and dividends.
    """
    if not is_stock:
        return np.zeros(len(adv), dtype=np.bool_)
    clean = window_sum(warnings.astype(np.float64), WARNING_BARS) == 0
    chosen: NDArray[np.bool_] = clean & (adv >= min_adv)
    chosen[: HISTORY_BARS - 1] = False
    return chosen
