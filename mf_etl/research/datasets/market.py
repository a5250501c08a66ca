"""The equal-weight market: what eligible stocks of a day did on average from the next open on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import OPEN_BARS
from mf_etl.research.datasets.outcomes import Floats, Integers

DELISTED_AFTER = 10
"""Market dates without a row after which a series has ended."""

DELISTING_RETURN = -0.3
"""Lost on top of the last price where a series ended (Shumway 1997), in the second reading."""


def with_delisting_return(outcomes: Floats) -> Floats:
    """Outcomes up to the last price of a series that ended, with `DELISTING_RETURN` after it."""
    return (1.0 + outcomes) * (1.0 + DELISTING_RETURN) - 1.0


class Part(NamedTuple):
    """One segment of a listing, as the market takes it.

    `outcomes` and `last` are `open_outcomes` and `last_outcomes`, shape (4, rows), NaN where a row is
    not eligible too; `ended` says that another segment follows.
    """

    days: Integers
    outcomes: Floats
    last: Floats
    ended: bool


class MarketSums:
    """Adds up segments by day and horizon, one after the other.

    The sums depend on the order of segments alone. Memory grows with the days that there are, and by
    some hundred bytes a listing: whether its series has ended is known when the market's days are.
    """

    def __init__(self) -> None:
        self._first = 0
        self._listings = np.zeros(0, dtype=np.int64)
        self._names: NDArray[np.int64] = np.zeros((len(OPEN_BARS), 0), dtype=np.int64)
        self._total: Floats = np.zeros((len(OPEN_BARS), 0))
        self._lower: Floats = np.zeros((len(OPEN_BARS), 0))
        self._open: list[Part] = []

    def add(self, part: Part) -> None:
        """Add a segment; days in ascending order, each once."""
        if not len(part.days):
            return
        at = self._positions(part.days)
        self._listings[at] += 1
        self._add(at, part.outcomes, part.outcomes)
        if part.ended:
            self._add_last(part)
        else:
            # Of the rows near the end alone: the others have no outcome that is cut off.
            rows = slice(-(max(OPEN_BARS) + 1), None)
            # Copies: a view keeps the whole series.
            days, last = part.days[rows].copy(), part.last[:, rows].copy()
            self._open.append(part._replace(days=days, outcomes=last, last=last))

    def table(self, min_names: int) -> pl.DataFrame:
        """`trade_date, h, names, mean, mean_shumway`: a row a day with any listing and horizon.

        Means of days with fewer than `min_names` stocks are null.
        """
        present = np.flatnonzero(self._listings)
        days = present + self._first
        for part in self._open:
            if has_ended(part.days, days):
                self._add_last(part)
        self._open.clear()
        names = self._names[:, present]
        enough = (names >= min_names) & (names > 0)
        divisor = np.where(enough, names, 1)
        means = [
            np.where(enough, s[:, present] / divisor, np.nan) for s in (self._total, self._lower)
        ]
        return pl.DataFrame(
            {
                "trade_date": pl.Series(np.repeat(days, len(OPEN_BARS)).astype(np.int32)).cast(
                    pl.Date
                ),
                "h": pl.Series(np.tile(np.array(OPEN_BARS, dtype=np.int8), len(days))),
                "names": pl.Series(names.T.reshape(-1).astype(np.int32)),
                "mean": pl.Series(means[0].T.reshape(-1), nan_to_null=True),
                "mean_shumway": pl.Series(means[1].T.reshape(-1), nan_to_null=True),
            }
        )

    def _add_last(self, part: Part) -> None:
        self._add(self._positions(part.days), part.last, with_delisting_return(part.last))

    def _add(self, at: Integers, outcomes: Floats, lower: Floats) -> None:
        for number in range(len(OPEN_BARS)):
            there = ~np.isnan(outcomes[number])
            where = at[there]
            self._names[number, where] += 1
            self._total[number, where] += outcomes[number, there]
            self._lower[number, where] += lower[number, there]

    def _positions(self, days: Integers) -> NDArray[np.int64]:
        """Where these days are in the sums, which grow as needed."""
        first, last = int(days[0]), int(days[-1])
        held = self._listings.shape[0]
        if not held:
            self._first = first
        before = max(self._first - first, 0)
        after = max(last - (self._first + held - 1), 0)
        if before or after:
            wide = ((0, 0), (before, after))
            self._listings = np.pad(self._listings, wide[1])
            self._names = np.pad(self._names, wide)
            self._total, self._lower = np.pad(self._total, wide), np.pad(self._lower, wide)
            self._first -= before
        return days.astype(np.int64) - self._first


def has_ended(days: Integers, market_days: Integers) -> bool:
    """Whether more than ten of the market's days come after a series' last one; both ascending."""
    later = len(market_days) - np.searchsorted(market_days, days[-1:], side="right")
    return bool((later > DELISTED_AFTER).any())


@dataclass(frozen=True)
class Market:
    """The market as a dataset reads it: `days` since 1970, ascending, and `mean`, shape (4, days)."""

    days: Integers
    mean: Floats

    def of(self, days: Integers) -> Floats:
        """Mean outcomes of the market of these days, shape (4, rows); NaN where there is none."""
        if not len(self.days):
            return np.full((len(OPEN_BARS), len(days)), np.nan)
        at = np.minimum(np.searchsorted(self.days, days), len(self.days) - 1)
        return np.where(self.days[at] == days, self.mean[:, at], np.nan)

    def has_ended(self, days: Integers) -> bool:
        """See `has_ended`."""
        return has_ended(days, self.days)


def read_market(path: Path) -> Market:
    """The market of an `EQUAL_WEIGHT` file; raises `ResearchError` if it is none."""
    try:
        table = pl.read_parquet(path, glob=False, columns=["trade_date", "h", "mean"])
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise ResearchError(f"market {path}: {reason}; build it again") from None
    return market_of(table)


def market_of(table: pl.DataFrame) -> Market:
    """The market of the rows of `MarketSums.table`; raises `ResearchError` if they are not whole."""
    days = table.get_column("trade_date").to_physical().to_numpy()
    shape = (-1, len(OPEN_BARS))
    if (
        table.height % len(OPEN_BARS)
        or (table.get_column("h").to_numpy().reshape(shape) != np.array(OPEN_BARS)).any()
    ):
        raise ResearchError("the market has other horizons than datasets; build it again")
    mean = table.get_column("mean").cast(pl.Float64).fill_null(np.nan).to_numpy()
    return Market(days.reshape(shape)[:, 0], mean.reshape(shape).T)
