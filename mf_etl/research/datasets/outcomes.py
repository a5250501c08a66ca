"""Forward outcomes of one listing: what its close did after each bar."""

from __future__ import annotations

import numpy as np
import polars as pl

from mf_etl.research.datasets.columns import OUTCOME_END, RETURN_BARS, VOLATILITY_BARS
from mf_etl.series import divide, lag, window_mean_std


@np.errstate(over="ignore", invalid="ignore")
def outcome_series(close: np.ndarray, *, eps: float) -> dict[str, np.ndarray]:
    """The outcome columns, float64 of the shape of `close`, NaN where undefined.

    `close` is a listing's whole series, one price a trading day in ascending order: with a row
    missing, an outcome would be that of another horizon. ``fwd_ret_k`` = close[t+k]/close[t] − 1;
    ``fwd_abs_ret_10`` its magnitude for 10 bars; ``fwd_vol_10`` the population standard deviation
    of the daily returns of the rows t+1 to t+10. Undefined within k rows of the end and where a
    divisor is smaller than `eps` in magnitude.
    """
    returns = {
        f"fwd_ret_{bars}": divide(lead(close, bars), close, eps) - 1.0 for bars in RETURN_BARS
    }
    _, deviation = window_mean_std(divide(close, lag(close), eps) - 1.0, VOLATILITY_BARS)
    return {
        **returns,
        f"fwd_abs_ret_{VOLATILITY_BARS}": np.abs(returns[f"fwd_ret_{VOLATILITY_BARS}"]),
        f"fwd_vol_{VOLATILITY_BARS}": lead(deviation, VOLATILITY_BARS),
    }


def outcome_end(trade_date: pl.Series) -> pl.Series:
    """The last day that a row's outcomes look at: of the row 20 bars ahead, else 10, else 5.

    Null within 5 rows of the end. This is what a purge goes by: it holds in a dataset in which
    neighbouring rows are dropped, where rows can no longer be counted.
    """
    longest_first = sorted(RETURN_BARS, reverse=True)
    return pl.select(
        pl.coalesce(trade_date.shift(-bars) for bars in longest_first).alias(OUTCOME_END)
    ).to_series()


def with_outcomes(features: pl.DataFrame, *, eps: float) -> pl.DataFrame:
    """`features` of one listing, unfiltered and in date order, with its outcome columns."""
    outcomes = outcome_series(features.get_column("close").to_numpy(), eps=eps)
    finite = {name: np.where(np.isfinite(x), x, np.nan) for name, x in outcomes.items()}
    return features.with_columns(
        *(pl.Series(name, values, nan_to_null=True) for name, values in finite.items()),
        outcome_end(features.get_column("trade_date")),
    )


def lead(x: np.ndarray, bars: int) -> np.ndarray:
    """`x` moved up by `bars` rows; the last rows are NaN."""
    moved = np.full_like(x, np.nan)
    if bars < len(x):
        moved[: len(x) - bars] = x[bars:]
    return moved
