"""Forward outcomes of one listing: what came after each bar. Nothing crosses a segment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mf_etl.research.datasets.columns import (
    CLOSE_BARS,
    OPEN_BARS,
    OUTCOME_BARS,
    VOLATILITY_BARS,
)
from mf_etl.series import divide, lag, window_mean_std

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.integer[Any]]


class Segment(NamedTuple):
    """Rows `start` to `stop` (exclusive) of a listing, between which there is no long gap."""

    start: int
    stop: int

    @property
    def rows(self) -> slice:
        return slice(self.start, self.stop)


def segments(segment_no: Integers) -> Iterator[Segment]:
    """The segments of a listing, in order; `segment_no` has shape (rows,)."""
    if len(segment_no):
        starts = [0, *(np.flatnonzero(np.diff(segment_no)) + 1).tolist(), len(segment_no)]
        yield from map(Segment, starts[:-1], starts[1:])


@np.errstate(over="ignore", invalid="ignore")
def close_outcomes(close: Floats, *, eps: float) -> dict[str, Floats]:
    """Outcomes from close to close, float64 of the shape of `close`, NaN where undefined.

    `close` is a whole segment, one price a trading day in ascending order: with a row missing, an
    outcome would be that of another horizon. ``fwd_ret_k`` = close[t+k]/close[t] − 1;
    ``fwd_abs_ret_10`` its magnitude for 10 bars; ``fwd_vol_10`` the population standard deviation
    of the daily returns of the rows t+1 to t+10. Undefined within k rows of the end and where a
    divisor is smaller than `eps` in magnitude.
    """
    returns = {
        f"fwd_ret_{bars}": divide(lead(close, bars), close, eps) - 1.0 for bars in CLOSE_BARS
    }
    _, deviation = window_mean_std(divide(close, lag(close), eps) - 1.0, VOLATILITY_BARS)
    return {
        **returns,
        f"fwd_abs_ret_{VOLATILITY_BARS}": np.abs(returns[f"fwd_ret_{VOLATILITY_BARS}"]),
        f"fwd_vol_{VOLATILITY_BARS}": lead(deviation, VOLATILITY_BARS),
    }


@np.errstate(over="ignore", invalid="ignore")
def open_outcomes(opened: Floats, days: Integers, *, eps: float) -> Floats:
    """open[t+1+h]/open[t+1] − 1 by horizon and row, shape (4, rows): what a buyer at the next open got.

    Of a whole segment; `days` are days since 1970. Undefined within h + 1 rows of the end, where a
    divisor is smaller than `eps`, and where the row t+1+h is more than ceil(7(h+1)/5) + 7 calendar
    days after row t: trading was halted.
    """
    entry = lead(opened, 1)
    outcomes = np.full((len(OPEN_BARS), len(opened)), np.nan)
    for number, bars in enumerate(OPEN_BARS):
        held = len(opened) - bars - 1
        if held > 0:
            outcomes[number] = divide(lead(opened, bars + 1), entry, eps) - 1.0
            late = days[bars + 1 :] - days[:held] > longest_days(bars)
            outcomes[number, :held][late] = np.nan
    return outcomes


@np.errstate(over="ignore", invalid="ignore")
def last_outcomes(opened: Floats, close: Floats, *, eps: float) -> Floats:
    """close[last]/open[t+1] − 1 where row t+1 is there and t+1+h is not, else NaN; shape (4, rows).

    Of a whole segment: what a buyer at the next open was left with where the series ended before the
    horizon did.
    """
    rows = len(opened)
    outcomes = np.full((len(OPEN_BARS), rows), np.nan)
    for number, bars in enumerate(OPEN_BARS):
        first = max(rows - bars - 1, 0)
        entry = opened[first + 1 :]
        outcomes[number, first : rows - 1] = (
            divide(np.repeat(close[-1:], len(entry)), entry, eps) - 1.0
        )
    return outcomes


def longest_days(bars: int) -> int:
    """Calendar days that an outcome of so many bars may take: those of its trading days and a week."""
    return -(-7 * (bars + 1) // 5) + 7


def outcome_end(days: Integers) -> Integers:
    """Day of row t + 21, or of the segment's last row: none of the row's outcomes looks further.

    This is what a purge goes by: it holds in a dataset in which neighbouring rows are dropped,
    where rows can no longer be counted.
    """
    return days[np.minimum(np.arange(len(days)) + OUTCOME_BARS, len(days) - 1)]


def bars_left(rows: int) -> NDArray[np.int8]:
    """Rows that follow in the segment, at most 21."""
    return np.minimum(np.arange(rows)[::-1], OUTCOME_BARS).astype(np.int8)


def lead(x: Floats, bars: int) -> Floats:
    """`x` moved up by `bars` rows; the last rows are NaN."""
    moved = np.full_like(x, np.nan)
    if bars < len(x):
        moved[: len(x) - bars] = x[bars:]
    return moved
