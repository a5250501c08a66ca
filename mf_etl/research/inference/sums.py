"""Sums of outcomes by day and state: all that inference reads, however many rows there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Sums:
    """Number of rows, sum and sum of squares of each column on each day.

    `days` has shape (T,), ascending; the others have shape (T, columns), float64. A column is what
    the caller says: of `DateSums`, state by measure.
    """

    days: Integers
    count: Floats
    total: Floats
    square: Floats

    @property
    def mean(self) -> Floats:
        """Of all rows, shape (columns,): Σ total / Σ count; NaN without rows."""
        return _ratio(self.total.sum(axis=0), self.count.sum(axis=0))

    @property
    def scores(self) -> Floats:
        """ψ, shape (T, columns): what each day adds to the mean, of mean 0 by column.

        ψ_tk = (total_tk − mean_k·count_tk)·T/Σ_t count_tk, the influence of a day on a ratio of
        sums; 0 in a column without rows.
        """
        rows = self.count.sum(axis=0)
        scores = (self.total - self.mean * self.count) * (len(self.days) / np.maximum(rows, 1.0))
        return np.where(rows > 0, scores, 0.0)

    def mean_by_date(self, least: int = 5) -> Floats:
        """Mean over days of each day's mean, days with at least `least` rows; shape (columns,)."""
        enough = self.count >= least
        daily = np.where(enough, _ratio(self.total, self.count), 0.0)
        return _ratio(daily.sum(axis=0), enough.sum(axis=0).astype(np.float64))

    def naive_error(self) -> Floats:
        """Sample standard deviation over √rows, as if rows were independent; they are not."""
        rows, mean = self.count.sum(axis=0), self.mean
        spread = np.maximum(self.square.sum(axis=0) - rows * mean**2, 0.0)
        return np.sqrt(_ratio(_ratio(spread, rows - 1), rows))

    def columns(self, which: Sequence[int] | Integers | slice) -> Sums:
        """These columns."""
        return Sums(self.days, self.count[:, which], self.total[:, which], self.square[:, which])

    def on(self, keep: NDArray[np.bool_]) -> Sums:
        """These days."""
        return Sums(self.days[keep], self.count[keep], self.total[keep], self.square[keep])


class DateSums:
    """Adds up rows by day, state and measure, a piece of rows at a time.

    The sums depend on the order of rows and not on how they were cut into pieces. Memory is that of
    the sums: 24 bytes a day, state and measure.
    """

    def __init__(self, days: Integers, states: int, measures: Sequence[str]) -> None:
        """`days` are the days there can be, ascending; `states` are numbered from 0."""
        self.days = np.asarray(days)
        self.states = states
        self.measures = tuple(measures)
        shape = (len(measures), len(days) * states)
        self._count, self._total, self._square = (np.zeros(shape) for _ in range(3))
        # Where each day is: looking it up costs a tenth of a search, at 8 bytes a day of the span.
        span = int(self.days[-1] - self.days[0]) + 1 if len(days) else 0
        self._place = np.full(span, -1, dtype=np.int64)
        self._place[self.days - self.days[:1]] = np.arange(len(days))

    def _positions(self, days: Integers) -> NDArray[np.int64]:
        """Where each day is among those given; −1 where it is not."""
        if not len(self._place):
            return np.full(len(days), -1, dtype=np.int64)
        at = days.astype(np.int64) - int(self.days[0])
        inside = (at >= 0) & (at < len(self._place))
        return np.where(inside, self._place[np.where(inside, at, 0)], -1)

    def add(
        self, days: Integers, states: Integers, values: Mapping[str, NDArray[np.floating[Any]]]
    ) -> None:
        """Add rows: shape (rows,) each. NaN is no value; a negative state is no state.

        Raises `ValueError` for a day that is none of those given.
        """
        position = self._positions(days)
        if (position < 0).any():
            raise ValueError("rows of a day that is none of those given")
        cell = np.where(states >= 0, position * self.states + states, -1)
        for number, name in enumerate(self.measures):
            value = values[name].astype(np.float64, copy=False)
            _add(cell, value, self._count[number], self._total[number], self._square[number])

    def of(self, measure: str) -> Sums:
        """The sums of a measure, one column a state."""
        number = self.measures.index(measure)
        shape = (len(self.days), self.states)
        count, total, square = (
            sums[number].reshape(shape) for sums in (self._count, self._total, self._square)
        )
        return Sums(self.days, count, total, square)


@njit(nogil=True, cache=True)
def _add(cell: Integers, value: Floats, count: Floats, total: Floats, square: Floats) -> None:
    """Add each value to its cell, one row after the other: pieces of any size give the same sum."""
    for row in range(len(cell)):
        at, x = cell[row], value[row]
        if at >= 0 and x == x:
            count[at] += 1.0
            total[at] += x
            square[at] += x * x


def joined(sums: Sequence[Sums]) -> Sums:
    """Columns of several sums over the same days beside each other."""
    return Sums(
        sums[0].days,
        *(
            np.concatenate([getattr(one, name) for one in sums], axis=1)
            for name in ("count", "total", "square")
        ),
    )


def less_daily_mean(sums: Sums) -> Sums:
    """Sums of the values less their day's mean over all columns (all states of one measure).

    With c_t the day's mean, Σ(x − c) = total − c·count and Σ(x − c)² = square − 2c·total + c²·count.
    """
    rows = sums.count.sum(axis=1, keepdims=True)
    centre = np.nan_to_num(_ratio(sums.total.sum(axis=1, keepdims=True), rows))
    return Sums(
        sums.days,
        sums.count,
        sums.total - centre * sums.count,
        np.maximum(sums.square - 2 * centre * sums.total + centre**2 * sums.count, 0.0),
    )


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient, NaN where the denominator is not positive."""
    positive = denominator > 0
    return np.where(positive, numerator / np.where(positive, denominator, 1.0), np.nan)
