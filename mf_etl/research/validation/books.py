"""Many portfolios over the same days at once: each day is put together a single time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.inference.sums import Floats, Integers
from mf_etl.research.validation.panel import UNLABELLED, Decision, Panel
from mf_etl.research.validation.portfolio import Book, Result, Rules

TOLD_OF_A_DAY = Result._fields

_POSITIONS = {
    "date": pl.Int32, "name": pl.Int32, "weight": pl.Float64, "trade": pl.Float64,
    "profit": pl.Float64, "state": pl.Int16,
}  # fmt: skip


@dataclass(frozen=True)
class Strategy:
    """Which names a portfolio wants, and how it trades.

    `states` by fold; None wants every eligible name, labelled or not: the market.
    """

    rules: Rules
    states: tuple[tuple[int, tuple[int, ...]], ...] | None = None

    @classmethod
    def of(cls, rules: Rules, states: Mapping[int, Sequence[int]]) -> Strategy:
        """Of the states wanted by fold."""
        return cls(rules, tuple((fold, tuple(held)) for fold, held in sorted(states.items())))

    def market(self) -> Strategy:
        """The market by the same rules."""
        return Strategy(self.rules)


class Account:
    """What a strategy brought by day: an array of shape (days,) for each field of `Result`."""

    def __init__(self, told: Floats) -> None:
        self._told = told

    def __getitem__(self, field: str) -> Floats:
        """A field by day; on the last day `gross` and `net` go to its close, for lack of an open."""
        of_field: Floats = self._told[:, TOLD_OF_A_DAY.index(field)]
        return of_field

    @property
    def ever_held(self) -> bool:
        """Whether it held anything on any day."""
        return bool((self["names"] > 0).any())


@dataclass(frozen=True)
class Accounts:
    """The account of each strategy, and what those that were asked for held.

    `positions` has the columns `date, name, weight, trade, profit, state` by day and name: shares of
    equity held after the day's trades, traded, and what was earned on them to the next open (null on
    the last day); `name` is the place among the panel's, `state` the label of the close before, null
    without one.
    """

    of: dict[Strategy, Account]
    positions: dict[Strategy, pl.DataFrame]


def accounts(
    panel: Panel,
    fold: Integers,
    strategies: Iterable[Strategy],
    *,
    told: Sequence[Strategy] = (),
    delisting_return: float = 0.0,
) -> Accounts:
    """Run strategies over the panel's days, in one pass; positions are kept of those in `told`.

    `fold` is that of each day, shape (days,): names are wanted by the states of the fold that the
    close belongs to at which is decided.
    """
    names = len(panel.names)
    every = list(dict.fromkeys([*strategies, *told]))
    books = {strategy: _Trader(strategy, names, len(panel.days)) for strategy in every}
    longest = max((strategy.rules.delay for strategy in every), default=0)
    # The states of the closes before, the latest first, and their folds.
    known: list[tuple[NDArray[np.int16], int | None]] = []
    held = {strategy: _Positions() for strategy in told}
    for number, decision in enumerate(panel.decisions(delisting_return=delisting_return)):
        of_fold = int(fold[decision.decided]) if decision.decided >= 0 else None
        known = [(decision.state.copy(), of_fold), *known[:longest]]
        for strategy, trader in books.items():
            delay = strategy.rules.delay
            if delay < len(known):
                trader.step(number, decision, *known[delay])
            if strategy in held:
                held[strategy].add(decision, trader.book, is_last=number == len(panel.days) - 1)
    return Accounts(
        {strategy: Account(trader.told) for strategy, trader in books.items()},
        {strategy: positions.table() for strategy, positions in held.items()},
    )


class _Trader:
    """A strategy's book and what each day told."""

    def __init__(self, strategy: Strategy, names: int, days: int) -> None:
        self.book = Book(names, strategy.rules)
        self.told = np.zeros((days, len(TOLD_OF_A_DAY)))
        self._wanted = None if strategy.states is None else dict(strategy.states)

    def step(
        self, number: int, decision: Decision, state: NDArray[np.int16], fold: int | None
    ) -> None:
        if self._wanted is None:
            wanted = state >= UNLABELLED
        else:
            wanted = np.zeros(len(state), dtype=np.bool_)
            for one in self._wanted.get(fold, ()) if fold is not None else ():
                wanted |= state == one
        self.told[number] = self.book.step(decision.day, wanted)


class _Positions:
    """Gathers what a book holds, day by day."""

    def __init__(self) -> None:
        self._days: list[pl.DataFrame] = []

    def add(self, decision: Decision, book: Book, *, is_last: bool) -> None:
        at = np.flatnonzero((book.weights != 0) | (book.traded != 0))
        day = decision.day
        weight, state = book.weights[at], decision.state[at]
        profit = weight * (day.next_price[at] / day.price[at] - 1.0)
        if is_last:
            profit[:] = np.nan
        columns = (np.full(len(at), decision.date), at, weight, book.traded[at], profit, state)
        self._days.append(pl.DataFrame(dict(zip(_POSITIONS, columns, strict=True)), _POSITIONS))

    def table(self) -> pl.DataFrame:
        every = pl.concat(self._days) if self._days else pl.DataFrame(schema=_POSITIONS)
        labelled = pl.col("state") > UNLABELLED
        return every.with_columns(
            pl.when(labelled).then("state").alias("state"), pl.col("profit").fill_nan(None)
        )
