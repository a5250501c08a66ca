"""What trading states would have brought: a portfolio, a grid of trials, other sizes and costs.

Every return is a share of equity from one open to the next, and null on the last day, after which no
open is known. The market beside a strategy is every eligible name by the same rules and costs, and sold
short beside a short one. Research, not advice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mf_etl.research.datasets.market import DELISTING_RETURN
from mf_etl.research.inference.sums import Floats, Integers
from mf_etl.research.validation.books import Accounts, Strategy, accounts
from mf_etl.research.validation.held import held_by_side, held_states
from mf_etl.research.validation.panel import Panel
from mf_etl.research.validation.performance import break_even_aum
from mf_etl.research.validation.portfolio import Rules
from mf_etl.research.validation.reading import LabelledDays, read_labelled_days
from mf_etl.research.validation.request import ValidationOptions
from mf_etl.research.validation.sharpe import DAYS_A_YEAR, sharpe
from mf_etl.schemas.declaration import Table
from mf_etl.schemas.validation_tables import CAPACITY, COSTS, DAILY, POSITIONS, TRIALS

SIDES = {"long": 1, "short": -1}
SIZES = (1e6, 1e7, 1e8, 1e9)
"""Of `capacity`, in currency."""

SPREAD_FACTORS = (0.0, 1.0, 2.0, 4.0)
DEAR_BORROW = 0.03
"""A year, on shorts: the sensitivity."""


class Held(NamedTuple):
    """The portfolio of each side by the rules of a request."""

    long: Strategy
    short: Strategy

    @property
    def by_side(self) -> dict[str, Strategy]:
        """The strategies by name."""
        return self._asdict()


def held_portfolios(state_sums: pl.DataFrame, request: ValidationOptions) -> Held:
    """What is held: the states that paid in each fold's train rows (see `held_states`)."""
    table = held_states(
        state_sums, h=request.h, replications=request.replications, seed=request.seed
    )
    return held_of(table, request)


def held_of(table: pl.DataFrame, request: ValidationOptions) -> Held:
    """As `held_portfolios`, from the rows of `held_states`."""
    held = held_by_side(table)
    return Held(**{side: Strategy.of(_rules(side, request), held[side]) for side in SIDES})


def portfolio(
    dataset: Path, labels: Path, state_sums: pl.DataFrame, request: ValidationOptions
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`positions` and `daily` of the portfolios of the states that are held."""
    days = read_labelled_days(dataset, labels)
    return portfolio_of(days, held_portfolios(state_sums, request))


def portfolio_of(days: LabelledDays, held: Held) -> tuple[pl.DataFrame, pl.DataFrame]:
    """As `portfolio`, of days that have been read."""
    every = list(held)
    told = accounts(days.panel, days.fold, _with_markets(every), told=every)
    positions = [_positions(days.panel, s, told.positions[one]) for s, one in held.by_side.items()]
    daily = [_daily(days, side, one, told) for side, one in held.by_side.items()]
    return pl.concat(positions), pl.concat(daily)


def trial_grid(dataset: Path, labels: Path, request: ValidationOptions, run: str) -> pl.DataFrame:
    """`trials`: each state by itself, long and short, at each horizon; those that never held a name
    are left out. `run` is the validation's."""
    return trial_grid_of(read_labelled_days(dataset, labels), request, run)


def trial_grid_of(days: LabelledDays, request: ValidationOptions, run: str) -> pl.DataFrame:
    """As `trial_grid`, of days that have been read."""
    folds = sorted(set(days.fold.tolist()))
    grid = {
        (state, side, h): Strategy.of(
            dataclasses.replace(_rules(side, request), holding=h), dict.fromkeys(folds, (state,))
        )
        for state in range(days.states)
        for side in SIDES
        for h in request.horizons
    }
    told = accounts(days.panel, days.fold, _with_markets(grid.values()))
    tables = [pl.DataFrame(schema=TRIALS.schema())]
    for (state, side, h), strategy in grid.items():
        own, market = told.of[strategy], told.of[strategy.market()]
        if own.ever_held:
            columns = {
                "trade_date": _dates(days.panel.days), "run": run, "state": state, "side": side, "h": h,
                "net": _known(own["net"]), "market_net": _known(market["net"]),
                "active": _known(own["net"] - market["net"]),
            }  # fmt: skip
            tables.append(TRIALS.frame(columns, len(days.panel.days)))
    return pl.concat(tables).sort("trade_date", maintain_order=True)


def capacity(
    dataset: Path, labels: Path, state_sums: pl.DataFrame, request: ValidationOptions
) -> pl.DataFrame:
    """`capacity`: the portfolios at other sizes."""
    days = read_labelled_days(dataset, labels)
    return capacity_of(days, held_portfolios(state_sums, request))


def capacity_of(days: LabelledDays, held: Held) -> pl.DataFrame:
    """As `capacity`, of days that have been read."""
    cases = {
        (side, aum): _changed(one, aum=aum) for side, one in held.by_side.items() for aum in SIZES
    }
    told = accounts(days.panel, days.fold, _with_markets(cases.values()))
    rows = {case: _measures(told, strategy) for case, strategy in cases.items()}
    nothing = {
        side: break_even_aum(
            {aum: row["net_active"] for (of, aum), row in rows.items() if of == side}
        )
        for side in SIDES
    }
    return _rows(
        CAPACITY,
        [
            {"strategy": side, "aum": aum, **row, "break_even_aum": nothing[side]}
            for (side, aum), row in rows.items()
        ],
    )


def costs(
    dataset: Path, labels: Path, state_sums: pl.DataFrame, request: ValidationOptions
) -> pl.DataFrame:
    """`costs`: the portfolios at other spreads and fees, a day late, and with a delisting return."""
    days = read_labelled_days(dataset, labels)
    return costs_of(days, held_portfolios(state_sums, request))


def costs_of(days: LabelledDays, held: Held) -> pl.DataFrame:
    """As `costs`, of days that have been read."""
    cases = {(s, case): v for s, one in held.by_side.items() for case, v in _cases(one)}
    told = accounts(days.panel, days.fold, _with_markets(cases.values()))
    lost = accounts(days.panel, days.fold, _with_markets(held), delisting_return=DELISTING_RETURN)
    every = [(case, strategy, told) for case, strategy in cases.items()]
    every += [((side, "delisting return"), one, lost) for side, one in held.by_side.items()]
    return _rows(
        COSTS,
        [
            {
                "strategy": side,
                "case": case,
                "spread_factor": strategy.rules.spread_factor,
                "delay": strategy.rules.delay,
                "borrow": strategy.rules.borrow if strategy.rules.sign < 0 else None,
                **_measures(of, strategy),
                "cost_drag": float(of.of[strategy]["cost"].mean()) * DAYS_A_YEAR,
            }
            for (side, case), strategy, of in sorted(every, key=lambda row: row[0][0])
        ],
    )


def _cases(main: Strategy) -> Iterator[tuple[str, Strategy]]:
    for factor in SPREAD_FACTORS:
        yield f"spread × {factor:g}", _changed(main, spread_factor=factor)
    yield "entered a day later", _changed(main, delay=1)
    if main.rules.sign < 0:
        yield "dear to borrow", _changed(main, borrow=DEAR_BORROW)


def _rules(side: str, request: ValidationOptions) -> Rules:
    return Rules(sign=SIDES[side], holding=request.h, aum=request.aum)


def _changed(strategy: Strategy, **rules: Any) -> Strategy:
    return dataclasses.replace(strategy, rules=dataclasses.replace(strategy.rules, **rules))


def _with_markets(strategies: Iterable[Strategy]) -> list[Strategy]:
    return [one for strategy in strategies for one in (strategy, strategy.market())]


def _measures(told: Accounts, strategy: Strategy) -> dict[str, float]:
    own, market = told.of[strategy], told.of[strategy.market()]
    # Of the days of which all is known.
    active = (own["net"] - market["net"])[:-1]
    return {
        "net_active": float(active.mean()) if len(active) else np.nan,
        "sharpe_active": sharpe(active) * DAYS_A_YEAR**0.5,
        "unfilled": float(own["unfilled"].mean()),
        "max_participation": float(own["participation"].max(initial=0.0)),
    }


def _rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    schema = table.schema()
    columns = {
        name: pl.Series(name, [row[name] for row in rows], dtype=dtype, strict=False)
        for name, dtype in schema.items()
    }
    return table.frame({n: s.fill_nan(None) if s.dtype.is_float() else s for n, s in columns.items()},
                       len(rows))  # fmt: skip


def _daily(days: LabelledDays, side: str, strategy: Strategy, told: Accounts) -> pl.DataFrame:
    own, market = told.of[strategy], told.of[strategy.market()]
    columns = {
        "strategy": side,
        "trade_date": _dates(days.panel.days),
        "fold": days.fold,
        "gross": _known(own["gross"]),
        **{name: own[name] for name in ("cost", "borrow", "turnover", "names", "unfilled")},
        "net": _known(own["net"]),
        "market_net": _known(market["net"]),
        "active": _known(own["net"] - market["net"]),
        "gross_exposure": own["exposure"],
    }
    return DAILY.frame(columns, len(days.panel.days))


def _positions(panel: Panel, side: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Positions with names and dates in place of numbers."""
    names = panel.names.table[rows.get_column("name")]
    columns = {
        "strategy": side,
        "trade_date": rows.get_column("date").cast(pl.Date),
        "ticker": names.get_column("ticker"),
        "exchange": names.get_column("exchange"),
        **{name: rows.get_column(name) for name in ("weight", "trade", "state", "profit")},
    }
    return POSITIONS.frame(columns, rows.height)


def _known(values: Floats) -> Floats:
    """Without the last day's, which is not known."""
    known = values.copy()
    known[-1:] = np.nan
    return known


def _dates(days: Integers) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)
