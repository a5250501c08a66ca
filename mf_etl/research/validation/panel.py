"""Rows of tickers turned into trading days of all names, for what is decided day by day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.datasets.market import DELISTED_AFTER
from mf_etl.research.inference.sums import Floats, Integers
from mf_etl.research.validation.portfolio import Day

COLUMNS = (
    "ticker", "exchange", "trade_date", "open", "close", "volume", "adv_20", "sigma_20", "spread_60",
    "eligible", "state",
)  # fmt: skip
"""What a panel reads of a row; `state` is the label known at its close, null or −1 for none."""

UNLABELLED, INELIGIBLE = -1, -2

_STORED: dict[str, Any] = {
    "name": np.int32, "open": np.float64, "close": np.float64, "trades": np.bool_,
    "adv": np.float64, "sigma": np.float64, "spread": np.float64, "state": np.int16,
}  # fmt: skip


class Decision(NamedTuple):
    """A trading day and what was known at the close before it.

    `state`, shape (names,): the label of that close, −1 for a name that is eligible without one, −2
    for one that is not eligible or had no row; `decided` is the position of that close's day, −1 on
    the first.
    """

    date: int
    day: Day
    state: NDArray[np.int16]
    decided: int


class Panel:
    """The rows of some days by day: 47 bytes a row, filled a piece at a time.

    `days` are the market's, ascending, as days since 1970.
    """

    def __init__(self, days: Integers, rows_a_day: Integers) -> None:
        """`rows_a_day`, shape (days,): how many rows `add` will be given of each."""
        self.days = np.asarray(days)
        self.bounds = np.concatenate([[0], np.cumsum(rows_a_day)]).astype(np.int64)
        self.names = Names()
        self._free = self.bounds[:-1].copy()
        self._columns = {n: np.empty(self.bounds[-1], d) for n, d in _STORED.items()}

    @classmethod
    def of(cls, days: Integers, frames: Iterable[pl.DataFrame]) -> Panel:
        """Of frames that are held at once, for small ones."""
        rows = list(frames)
        counts = sum((rows_by_day(days, f.get_column("trade_date")) for f in rows), 0 * days)
        panel = cls(days, counts)
        for frame in rows:
            panel.add(frame)
        return panel

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows by ticker and date, with `COLUMNS`; rows of other days are left out.

        Raises `ValueError` for more rows of a day than were announced.
        """
        at = positions(self.days, frame.get_column("trade_date"))
        frame, at = frame.filter(pl.Series(at >= 0)), at[at >= 0]
        if not frame.height:
            return
        name = self.names.of(frame, new=True)
        # A name has one row a day, so rows of one name go to places that all differ.
        for start, stop in _runs(name):
            days = at[start:stop]
            place = self._free[days]
            if (place >= self.bounds[days + 1]).any():
                raise ValueError("more rows of a day than were announced")
            self._free[days] += 1
            at[start:stop] = place
        eligible = frame.get_column("eligible").to_numpy()
        label = frame.get_column("state").cast(pl.Int16).fill_null(UNLABELLED).to_numpy()
        volume = _numbers(frame, "volume")
        opened = _numbers(frame, "open")
        columns = self._columns
        columns["name"][at] = name
        columns["open"][at] = opened
        columns["close"][at] = _numbers(frame, "close")
        columns["trades"][at] = (volume > 0) & (opened > 0)
        for stored, read in (("adv", "adv_20"), ("sigma", "sigma_20"), ("spread", "spread_60")):
            columns[stored][at] = _numbers(frame, read)
        columns["state"][at] = np.where(eligible, label, INELIGIBLE)

    def decisions(self, *, delisting_return: float = 0.0) -> Iterator[Decision]:
        """Each day in turn. Nothing of a day looks past the open of the next.

        A name is marked at its open, or its last close on a day without one. One without a row for
        more than ten market days has ended; then `delisting_return` is earned on its last close. The
        arrays are the same ones at every step.
        """
        names, columns = len(self.names), self._columns
        price, next_price, close, adv, sigma, spread = np.full((6, names), np.nan)
        seen = np.full(names, len(self.days) + DELISTED_AFTER)
        state = np.full(names, INELIGIBLE, dtype=np.int16)
        for number, date in enumerate(self.days.tolist()):
            rows, after = self._rows(number), self._rows(number + 1)
            own, following = columns["name"][rows], columns["name"][after]
            price[:] = next_price
            if not number:
                _mark(price, own, columns["open"][rows], close)
            can_trade = np.zeros(names, dtype=np.bool_)
            can_trade[own] = columns["trades"][rows]
            absent = number - seen
            gone = absent > DELISTED_AFTER
            gone[own] = False
            close[own] = columns["close"][rows]
            next_price[:] = np.where(np.isnan(close), price, close)
            # It will have ended by the next open unless it has a row then.
            ending = absent == DELISTED_AFTER
            ending[own] = ending[following] = False
            next_price[ending] *= 1 + delisting_return
            _mark(next_price, following, columns["open"][after], close)
            day = Day(can_trade, gone, price, next_price, adv, sigma, spread)
            yield Decision(date, day, state, number - 1)
            seen[own] = number
            for known, stored in ((adv, "adv"), (sigma, "sigma"), (spread, "spread")):
                known[own] = columns[stored][rows]
            state[:] = INELIGIBLE
            state[own] = columns["state"][rows]

    def _rows(self, number: int) -> slice:
        if number >= len(self.days):
            return slice(0, 0)
        return slice(int(self.bounds[number]), int(self.bounds[number + 1]))


class Names:
    """Numbers of names, a ticker on an exchange each, from 0 in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def table(self) -> pl.DataFrame:
        """`ticker, exchange` by number."""
        schema = {"ticker": pl.String, "exchange": pl.String}
        return pl.DataFrame(list(self._numbers), schema=schema, orient="row")

    def of(self, frame: pl.DataFrame, *, new: bool) -> NDArray[np.int32]:
        """The number of each row's name; one that is not known yet gets the next, or −1."""
        keys = frame.select("ticker", "exchange")
        # Rows of a name mostly follow each other, so few are looked up.
        runs = keys.select(pl.struct("ticker", "exchange").rle_id()).to_series().to_numpy()
        starts = np.flatnonzero(np.diff(runs, prepend=-1))
        numbers = []
        for ticker, exchange in keys[starts].iter_rows():
            number = self._numbers.get((ticker, exchange), -1)
            if number < 0 and new:
                number = self._numbers[ticker, exchange] = len(self._numbers)
            numbers.append(number)
        found: NDArray[np.int32] = np.array(numbers, dtype=np.int32)[runs]
        return found


def positions(days: Integers, dates: pl.Series) -> NDArray[np.int64]:
    """Where each date is among `days`; −1 where it is not."""
    value = dates.to_physical().to_numpy()
    at = np.searchsorted(days, value)
    known = days[np.minimum(at, len(days) - 1)] == value
    return np.where(known, at, -1)


def rows_by_day(days: Integers, dates: pl.Series) -> NDArray[np.int64]:
    """How many of `dates` each day has, shape (days,)."""
    at = positions(days, dates)
    return np.bincount(at[at >= 0], minlength=len(days))


def _mark(price: Floats, names: Integers, opened: Floats, close: Floats) -> None:
    """Names with a row are marked at its open, or the last close."""
    price[names] = np.where(opened > 0, opened, close[names])


def _runs(keys: Integers) -> Iterator[tuple[int, int]]:
    bounds = np.flatnonzero(np.diff(keys, prepend=-1, append=-1))
    yield from zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)


def _numbers(frame: pl.DataFrame, name: str) -> Floats:
    return frame.get_column(name).cast(pl.Float64).fill_null(np.nan).to_numpy()
