"""Causal series arithmetic on float64 arrays in which NaN stands for undefined.

Row t of every result depends on rows <= t only, and bit for bit on nothing outside its window:
windows are reduced as a binary tree instead of a running sum, so one huge price leaves no rounding
error behind in the windows that no longer hold it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl


def lag(x: np.ndarray, bars: int = 1, fill: float = np.nan) -> np.ndarray:
    """`x` moved down by `bars` rows; the first rows are `fill`."""
    moved = np.full_like(x, fill)
    if bars < len(x):
        moved[bars:] = x[: len(x) - bars]
    return moved


def divide(numerator: np.ndarray, denominator: np.ndarray, eps: float) -> np.ndarray:
    """Quotient, undefined where the denominator is smaller than `eps` in magnitude."""
    defined = np.abs(denominator) >= eps
    quotient = np.full(len(denominator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=defined)
    return quotient


def change(x: np.ndarray, bars: int, eps: float) -> np.ndarray:
    """x[t] − x[t − bars], 0 where it is smaller than `eps` in magnitude.

    A bar without volume leaves a ratio of two means as it is, but for the last bit: without this,
    the sign of that bit would pass for a movement.
    """
    difference = x - lag(x, bars)
    return np.where(np.abs(difference) < eps, 0.0, difference)


def window_sum(x: np.ndarray, bars: int, *, partial: bool = False) -> np.ndarray:
    """Sum over the last `bars` rows; undefined until full, or of what there is if `partial`."""
    return _reduce(x, bars, np.add, 0.0 if partial else np.nan)


def window_max(x: np.ndarray, bars: int) -> np.ndarray:
    """Maximum over the last `bars` rows, undefined until the window is full."""
    return _reduce(x, bars, np.maximum, np.nan)


def window_min(x: np.ndarray, bars: int) -> np.ndarray:
    """Minimum over the last `bars` rows, undefined until the window is full."""
    return _reduce(x, bars, np.minimum, np.nan)


def window_mean(x: np.ndarray, bars: int) -> np.ndarray:
    """Mean over the last `bars` rows, undefined until the window is full."""
    return window_sum(x, bars) / bars


def window_mean_std(x: np.ndarray, bars: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population standard deviation over the last `bars` rows, undefined until full.

    Blocks are merged by the pairwise update of Chan, Golub and LeVeque (1983), so a window of
    equal values has a deviation of exactly 0 whatever came before it.
    """
    mean, square, count = x, np.zeros_like(x), 1
    total_mean, total_square, total = np.zeros_like(x), np.zeros_like(x), 0
    remaining = bars
    while remaining:
        if remaining & 1:
            block_mean, block_square = lag(mean, total), lag(square, total)
            difference = block_mean - total_mean
            share = count / (total + count)
            total_mean = total_mean + difference * share if total else block_mean
            total_square = total_square + block_square + difference**2 * (share * total)
            total += count
        remaining >>= 1
        if remaining:
            older_mean, older_square = lag(mean, count), lag(square, count)
            difference = mean - older_mean
            square = square + older_square + difference**2 * (count / 2)
            mean = older_mean + difference / 2
            count *= 2
    return total_mean, np.sqrt(total_square / bars)


def exponential(x: np.ndarray, alpha: float, min_rows: int = 1) -> np.ndarray:
    """y[t] = y[t-1] + alpha·(x[t] − y[t-1]) with y[0] = x[0], undefined for min_rows − 1 rows.

    An undefined x gives an undefined y and leaves the recursion as it was.
    """
    undefined = np.isnan(x)
    series = pl.Series(x)
    if undefined.any():
        series = series.fill_nan(None)
    smoothed = series.ewm_mean(alpha=alpha, adjust=False, min_samples=min_rows, ignore_nulls=True)
    result = smoothed.to_numpy().astype(np.float64)
    result[undefined] = np.nan
    return result


def wilder(x: np.ndarray, period: int) -> np.ndarray:
    """Wilder's smoothing seeded with the first value, undefined for the first period − 1 rows."""
    return exponential(x, 1.0 / period, min_rows=period)


def rolling_count(event: np.ndarray, bars: int) -> np.ndarray:
    """How many of the last `bars` rows are true (float64; partial windows count)."""
    return window_sum(event.astype(np.float64), bars, partial=True)


def bars_since(event: np.ndarray) -> np.ndarray:
    """Rows since the last true row: 0 on it, undefined before the first (float64)."""
    row = np.arange(len(event), dtype=np.float64)
    last = np.maximum.accumulate(np.where(event, row, -1.0)) if len(row) else row
    return np.where(last < 0, np.nan, row - last)


def run_length(changed: np.ndarray) -> np.ndarray:
    """Rows since the last true row counted from 1; the first row starts a run (float64)."""
    starts = changed.copy()
    starts[:1] = True
    return bars_since(starts) + 1.0


def _reduce(
    x: np.ndarray, bars: int, combine: Callable[[np.ndarray, np.ndarray], np.ndarray], fill: float
) -> np.ndarray:
    """Combine the last `bars` rows from blocks of 1, 2, 4, … rows: log2(bars) passes."""
    block, size = x, 1
    result, covered = None, 0
    remaining = bars
    while remaining:
        if remaining & 1:
            piece = lag(block, covered, fill) if covered else block
            result = piece if result is None else combine(result, piece)
            covered += size
        remaining >>= 1
        if remaining:
            block = combine(block, lag(block, size, fill))
            size *= 2
    return result if result is not None else x
