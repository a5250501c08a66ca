"""What trading states would have brought: positions, days, a grid of trials, size and costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.datasets.market import DELISTING_RETURN
from mf_etl.research.inference.sums import Floats, Integers
from mf_etl.research.validation.books import Account, Accounts, Strategy, accounts
from mf_etl.research.validation.panel import Panel
from mf_etl.research.validation.performance import break_even_aum
from mf_etl.research.validation.portfolio import Rules
from mf_etl.research.validation.sharpe import DAYS_A_YEAR, sharpe

SIDES = {"long": 1, "short": -1}
SIZES = (1e6, 1e7, 1e8, 1e9)
"""Of `capacity`, in currency."""

SPREAD_FACTORS = (0.0, 1.0, 2.0, 4.0)
DELAYS = (0, 1)
DEAR_BORROW = 0.03
"""A year, on shorts: the sensitivity."""

_DAILY = {
    "trade_date": pl.Date, "fold": pl.Int16, "strategy": pl.String,
    **dict.fromkeys(("gross", "cost", "borrow", "net", "market_net", "active", "turnover"), pl.Float64),
    "names": pl.Int32, "gross_exposure": pl.Float64, "unfilled": pl.Float64,
}  # fmt: skip
_CAPACITY = {
    "strategy": pl.String, "varied": pl.String, "value": pl.Float64,
    **dict.fromkeys(("net_active", "sharpe_active", "unfilled", "max_participation"), pl.Float64),
}  # fmt: skip
_TRIALS = {
    "trade_date": pl.Date, "state": pl.Int16, "side": pl.String, "h": pl.Int8,
    "net": pl.Float64, "market_net": pl.Float64, "active": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What is tried.

    `held` has, by side (long, short) and fold, the states that are held (see `held_states`); `states`
    is how many there are; `rules` those of the long side; a trial is a state, a side and one of
    `horizons`.
    """

    held: Mapping[str, Mapping[int, Sequence[int]]]
    states: int
    rules: Rules = field(default_factory=Rules)
    horizons: tuple[int, ...] = (1, 5, 10, 20)

    def of_side(self, side: str) -> Rules:
        """The rules of a side."""
        return dataclasses.replace(self.rules, sign=SIDES[side])


@dataclass(frozen=True)
class Backtest:
    """`positions`, `daily`, `trials` and `capacity`, as `backtest` tells; `break_even` is by strategy
    the AUM at which it brings nothing over the market, None where there is none in the range."""

    positions: pl.DataFrame
    daily: pl.DataFrame
    trials: pl.DataFrame
    capacity: pl.DataFrame
    break_even: dict[str, float | None]


def backtest(panel: Panel, fold: Integers, asked: Question) -> Backtest:
    """Trade the states that are held, the market by the same rules and costs, and every trial.

    `fold`, shape (days,), is that of each day. All returns are shares of equity, from one open to the
    next, and null on the last day, after which no open is known.

    - `positions`: strategy, trade_date, ticker, exchange, weight (after the day's trades), trade, state
      (of the close at which was decided; null without one), profit (weight times what was earned).
    - `daily`: trade_date, fold, strategy, gross, cost, borrow, net, market_net, active = net −
      market_net, turnover, names, gross_exposure, unfilled. The market of the short side is sold short.
    - `trials`: trade_date, state, side, h, net, market_net, active; trials that never held anything are
      left out.
    - `capacity`: strategy, varied (aum, spread_factor, delay, borrow, delisting_return), value,
      net_active (mean a day), sharpe_active (of a year), unfilled (mean a day), max_participation.
    """
    main = {side: Strategy.of(asked.of_side(side), asked.held.get(side, {})) for side in SIDES}
    grid = dict(_grid(asked, sorted(set(fold.tolist()))))
    variants = {side: dict(_variants(one)) for side, one in main.items()}
    every = [
        *main.values(),
        *grid.values(),
        *(v for each in variants.values() for v in each.values()),
    ]
    both = [*every, *(strategy.market() for strategy in every)]
    told = accounts(panel, fold, both, told=list(main.values()))
    pair = [*main.values(), *(strategy.market() for strategy in main.values())]
    bankrupt = accounts(panel, fold, pair, delisting_return=DELISTING_RETURN)
    capacity = [
        row
        for side, strategy in main.items()
        for row in _capacity_rows(side, strategy, variants[side], told, bankrupt)
    ]
    table = pl.DataFrame(capacity, schema=_CAPACITY, orient="row")
    sizes = table.filter(varied="aum")
    return Backtest(
        _positions(panel, {side: told.positions[one] for side, one in main.items()}),
        pl.concat([_daily(side, panel, fold, told, one) for side, one in main.items()]),
        _trials(panel, grid, told),
        table,
        {
            side: break_even_aum(
                dict(sizes.filter(strategy=side).select("value", "net_active").rows())
            )
            for side in main
        },
    )


def _grid(asked: Question, folds: Sequence[int]) -> Iterator[tuple[tuple[int, str, int], Strategy]]:
    """Each state by itself, long and short, at each horizon."""
    for state in range(asked.states):
        for side in SIDES:
            for h in asked.horizons:
                rules = dataclasses.replace(asked.of_side(side), holding=h)
                yield (state, side, h), Strategy.of(rules, dict.fromkeys(folds, (state,)))


def _variants(main: Strategy) -> Iterator[tuple[tuple[str, float], Strategy]]:
    """The strategy at other sizes, costs and times, by what is varied and its value."""
    varied: dict[str, Sequence[float]] = {
        "aum": SIZES,
        "spread_factor": SPREAD_FACTORS,
        "delay": DELAYS,
        "borrow": (main.rules.borrow, DEAR_BORROW) if main.rules.sign < 0 else (),
    }
    for name, values in varied.items():
        for value in values:
            change: dict[str, Any] = {name: value}
            rules = dataclasses.replace(main.rules, **change)
            yield (name, float(value)), dataclasses.replace(main, rules=rules)


def _capacity_rows(
    side: str,
    main: Strategy,
    variants: Mapping[tuple[str, float], Strategy],
    told: Accounts,
    bankrupt: Accounts,
) -> Iterator[tuple[Any, ...]]:
    for (name, value), strategy in variants.items():
        yield side, name, value, *_measures(told.of[strategy], told.of[strategy.market()])
    for value, one in ((0.0, told), (DELISTING_RETURN, bankrupt)):
        yield side, "delisting_return", value, *_measures(one.of[main], one.of[main.market()])


def _measures(own: Account, market: Account) -> tuple[float | None, ...]:
    # Of the days of which all is known.
    active = (own["net"] - market["net"])[:-1]
    ratio = sharpe(active) * DAYS_A_YEAR**0.5
    return (
        float(active.mean()) if len(active) else None,
        ratio if ratio == ratio else None,
        float(own["unfilled"].mean()),
        float(own["participation"].max(initial=0.0)),
    )


def _daily(
    side: str, panel: Panel, fold: Integers, told: Accounts, strategy: Strategy
) -> pl.DataFrame:
    own, market = told.of[strategy], told.of[strategy.market()]
    columns = {
        "trade_date": _dates(panel.days),
        "fold": fold,
        "strategy": [side] * len(panel.days),
        "gross": _known(own["gross"]),
        "cost": own["cost"],
        "borrow": own["borrow"],
        "net": _known(own["net"]),
        "market_net": _known(market["net"]),
        "active": _known(own["net"] - market["net"]),
        "turnover": own["turnover"],
        "names": own["names"],
        "gross_exposure": own["exposure"],
        "unfilled": own["unfilled"],
    }
    return _frame(columns, _DAILY)


def _trials(
    panel: Panel, grid: Mapping[tuple[int, str, int], Strategy], told: Accounts
) -> pl.DataFrame:
    tables = []
    for (state, side, h), strategy in grid.items():
        own, market = told.of[strategy], told.of[strategy.market()]
        if not own.ever_held:
            continue
        rows = len(panel.days)
        columns = {
            "trade_date": _dates(panel.days),
            "state": [state] * rows,
            "side": [side] * rows,
            "h": [h] * rows,
            "net": _known(own["net"]),
            "market_net": _known(market["net"]),
            "active": _known(own["net"] - market["net"]),
        }
        tables.append(_frame(columns, _TRIALS))
    return pl.concat(tables) if tables else pl.DataFrame(schema=_TRIALS)


def _positions(panel: Panel, found: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Positions with names and dates in place of numbers, by strategy, date and name."""
    names = pl.DataFrame(
        {"ticker": panel.tickers, "exchange": panel.exchanges},
        schema={"ticker": pl.String, "exchange": pl.String},
    )
    tables = []
    for side, rows in found.items():
        named = names[rows.get_column("name")]
        tables.append(
            rows.select(
                pl.lit(side).alias("strategy"),
                pl.col("date").cast(pl.Date).alias("trade_date"),
                named.get_column("ticker"),
                named.get_column("exchange"),
                "weight",
                "trade",
                "state",
                "profit",
            )
        )
    return pl.concat(tables)


def _known(values: Floats) -> Floats:
    """Without the last day's, which is not known."""
    known = values.copy()
    known[-1:] = np.nan
    return known


def _dates(days: Integers) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def _frame(columns: Mapping[str, Any], schema: Mapping[str, Any]) -> pl.DataFrame:
    series = [
        pl.Series(name, values, nan_to_null=schema[name] == pl.Float64).cast(schema[name])
        for name, values in columns.items()
    ]
    return pl.DataFrame(series)
