"""Stretches of rows that nothing ends in between: what sequences are cut from.

Loops in place of columns of helper values: of a market of rows, each such column is a tenth of what a
laptop has to spare.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numba import njit


class Keys(NamedTuple):
    """What tells the rows of sequences apart, as numbers; shape (rows,) each.

    `segment` is empty where there are no segments; `day` is in days since 1970.
    """

    ticker: np.ndarray
    exchange: np.ndarray
    segment: np.ndarray
    day: np.ndarray

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Keys:
        """From columns `ticker`, `exchange`, `trade_date` and, where there is one, `segment_no`."""
        has_segments = "segment_no" in rows.columns
        return cls(
            _codes(rows.get_column("ticker")),
            _codes(rows.get_column("exchange")),
            rows.get_column("segment_no").to_numpy() if has_segments else np.empty(0, np.int32),
            rows.get_column("trade_date").to_physical().to_numpy(),
        )

    def order(self) -> np.ndarray:
        """Rows by ticker, exchange and day; empty if they lie so already.

        A ticker that is listed on two exchanges has its rows interleaved by day.
        """
        same_ticker = self.ticker[1:] == self.ticker[:-1]
        if not (same_ticker & (self.exchange[1:] != self.exchange[:-1])).any():
            return np.empty(0, dtype=np.int64)
        return np.lexsort((self.day, self.exchange, self.ticker))


class Stretches(NamedTuple):
    """One entry a stretch, and what is told of all of them.

    `position` is that of a stretch's first row, `rows` its length, `asked` how many of the rows were
    asked for (those that only lead in come first), `day` that of the first row; `after_gap` and
    `begins_series` say what it begins after.
    """

    position: np.ndarray
    rows: np.ndarray
    asked: np.ndarray
    day: np.ndarray
    after_gap: np.ndarray
    begins_series: np.ndarray
    series: int
    """Tickers of an exchange that have a row asked for."""
    gaps: int
    has_holes: bool
    """Rows are missing within a stretch."""
    has_day_twice: bool


def stretches(
    keys: Keys, order: np.ndarray, picked: np.ndarray, used: np.ndarray, max_gap_days: int
) -> Stretches:
    """Of the `picked` rows in `order`; `used` are those asked for. Both are a bool a row."""
    each, *about = _stretches(keys, order, picked, used, max_gap_days)
    return Stretches(*each.T[:4], *(each.T[4:] != 0), *about)


@njit(nogil=True, cache=True)
def picked_rows(
    keys: Keys, order: np.ndarray, used: np.ndarray, known: np.ndarray
) -> np.ndarray:  # pragma: no cover - compiled
    """Rows used, and those that are known before a series' first used one; a bool a row.

    What lies between used rows was not asked for.
    """
    picked = used.copy()
    last = -1
    has_used = False
    for position in range(len(used)):
        row = order[position] if len(order) else position
        if last < 0 or _other_series(keys, row, last):
            has_used = False
        picked[row] = used[row] or (known[row] and not has_used)
        has_used = has_used or used[row]
        last = row
    return picked


@njit(nogil=True, cache=True)
def _other_series(keys: Keys, row: int, other: int) -> Any:  # pragma: no cover - compiled
    return keys.ticker[row] != keys.ticker[other] or keys.exchange[row] != keys.exchange[other]


@njit(nogil=True, cache=True)
def _stretches(
    keys: Keys, order: np.ndarray, picked: np.ndarray, used: np.ndarray, max_gap_days: int
) -> Any:  # pragma: no cover - compiled
    found = []
    current = np.zeros(6, dtype=np.int64)
    series = gaps = 0
    has_holes = has_day_twice = is_counted = False
    last: Any = -1
    last_position = -1
    for position in range(len(picked)):
        row: Any = order[position] if len(order) else position
        if not picked[row]:
            continue
        begins_series = last < 0 or _other_series(keys, row, last)
        gap = 0 if begins_series else np.int64(keys.day[row]) - np.int64(keys.day[last])
        if gap <= 0 and not begins_series:
            has_day_twice = True
        is_new = begins_series or (
            len(keys.segment) > 0 and keys.segment[row] != keys.segment[last]
        )
        too_far = gap > max_gap_days and not is_new
        if is_new or too_far:
            if last >= 0:
                found.append(current)
            current = np.array(
                [position, 0, 0, keys.day[row], too_far, begins_series], dtype=np.int64
            )
        elif position != last_position + 1:
            has_holes = True
        is_counted = is_counted and not begins_series
        current[1] += 1
        if used[row]:
            current[2] += 1
            gaps += 1 if too_far else 0
            series += 0 if is_counted else 1
            is_counted = True
        last, last_position = row, position
    found.append(current)
    each = np.empty((len(found), 6), dtype=np.int64)
    for number in range(len(found)):
        each[number] = found[number]
    return each, series, gaps, has_holes, has_day_twice


def _codes(texts: pl.Series) -> np.ndarray:
    """A number for each text, in alphabetical order."""
    if not isinstance(texts.dtype, pl.Enum):
        texts = texts.cast(pl.Enum(texts.unique().sort()))
    return texts.to_physical().to_numpy()
