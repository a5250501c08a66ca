"""Sums of outcomes by day, fold, period and state: rows are read once for all folds."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.datasets.columns import BARS_LEFT, DELISTED, OUTCOME_END
from mf_etl.research.inference.sums import DateSums, Integers, Sums
from mf_etl.research.validation.measures import WINSOR, measure_names, measured, state_sums
from mf_etl.research.validation.portfolio import half_spread
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.rows import (
    KEYS,
    LOSS,
    MarketDays,
    needed,
    numbers,
    over_market,
    pieces,
    refuse_lacking,
)
from mf_etl.research.validation.stored import stored
from mf_etl.research.walk_forward.labels import FoldRun
from mf_etl.research.walk_forward.matching import Matched, renumbered, states_of
from mf_etl.schemas.validation_tables import STATE_SUMS

HALF_SPREAD = "half_spread_0"

Bounds = dict[int, tuple[float, float]]


def streamed_sums(
    runs: Sequence[FoldRun],
    matches: Sequence[Matched],
    dataset: Path,
    market: Path,
    asked: ValidationRequest,
) -> pl.DataFrame:
    """The rows of `STATE_SUMS`: by fold, period, measure, horizon, day and state.

    Train rows whose outcome reaches into the fold's test count nowhere. Raises `ResearchError` for a
    dataset that lacks a column.
    """
    horizons = asked.horizons
    refuse_lacking(dataset, needed(horizons))
    days = MarketDays.read(market, horizons, asked.min_names)
    bounds = winsor_bounds(runs, dataset, days, horizons)
    states = states_of(matches)
    names = [*measure_names(horizons), *(f"xs_shumway_{h}" for h in horizons), HALF_SPREAD]
    sums = [DateSums(days.days, states, names) for _ in runs]
    for inside, rows in pieces(dataset, needed(horizons)):
        kept = rows.filter("eligible")
        values = _values(kept, days, asked)
        keys, names_there = _keys(kept)
        day, end = (_days(kept, name) for name in ("trade_date", OUTCOME_END))
        for run, match, bound, own in zip(runs, matches, bounds, sums, strict=True):
            state = _states(run, match, inside, keys, names_there)
            if not run.in_sample:
                state[(day < _day(run.fold.test_first)) & (end >= _day(run.fold.test_first))] = -1
            clipped = {f"winsor_xs_{h}": np.clip(values[f"xs_{h}"], *bound[h]) for h in horizons}
            own.add(day, state, values | clipped)
    tables = [
        part
        for run, one in zip(runs, sums, strict=True)
        for part in _by_period(run, _final(one, horizons))
    ]
    return pl.concat(tables) if tables else STATE_SUMS.schema().to_frame()


def _days(rows: pl.DataFrame, name: str) -> Integers:
    found: Integers = rows.get_column(name).to_physical().to_numpy()
    return found


def _day(date: datetime.date) -> int:
    """Days since 1970."""
    return (date - datetime.date(1970, 1, 1)).days


def _keys(rows: pl.DataFrame) -> tuple[Integers, dict[tuple[str, str], int]]:
    """A number of name and day of each row, and that of each name, in the order in which they come."""
    ids = rows.select(pl.struct("ticker", "exchange").rle_id()).to_series().to_numpy()
    heads = np.flatnonzero(np.diff(ids.astype(np.int64), prepend=-1))
    known = {
        key: place for place, key in enumerate(rows.select("ticker", "exchange")[heads].rows())
    }
    return ids.astype(np.int64) * DAYS + _days(rows, "trade_date"), known


DAYS = 1 << 20
"""More than there are days from 1970 on."""


def _states(
    run: FoldRun,
    match: Matched,
    inside: pl.Expr,
    keys: Integers,
    names: Mapping[tuple[str, str], int],
) -> NDArray[np.int16]:
    """The state of each row by the run of the fold, in the numbers across folds; −1 for none.

    Rows of a name stand together in both, and `keys` ascend: one is found in the other without a join.
    """
    found = np.full(len(keys), -1, dtype=np.int16)
    rows = run.rows().filter(inside).select(*KEYS, "label").collect()
    if not rows.height or not len(keys):
        return found
    own, known = _keys(rows)
    number = np.array([names.get(key, -1) for key in known], dtype=np.int64)
    name = number[own // DAYS]
    wanted = name * DAYS + own % DAYS
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    same = (name >= 0) & (keys[at] == wanted)
    found[at[same]] = renumbered(rows.get_column("label").to_numpy()[same], match.numbers)
    return found


def _values(
    rows: pl.DataFrame, market: MarketDays, asked: ValidationRequest
) -> dict[str, NDArray[np.floating[Any]]]:
    """All measures of eligible rows but `winsor_xs`, which is told by fold."""
    days = _days(rows, "trade_date")
    delisted, left = rows.get_column(DELISTED).to_numpy(), numbers(rows, BARS_LEFT)
    entered = {h: numbers(rows, f"fwd_oo_{h}") for h in asked.horizons}
    excess = {h: over_market(rows, h, market) for h in asked.horizons}
    nothing = dict.fromkeys(asked.horizons, (-np.inf, np.inf))
    found: dict[str, Any] = measured(entered, excess, np.ones(len(days), np.bool_), nothing)
    for h in asked.horizons:
        # What ends before the horizon does was told by its last close.
        lost = np.where(delisted & (left < h + 1), (1 + entered[h]) * LOSS - 1, entered[h])
        other = lost - market.on(days, market.shumway[h])
        found[f"xs_shumway_{h}"] = np.where(np.isnan(excess[h]), np.nan, other)
    spread = half_spread(numbers(rows, "spread_60"))
    found[HALF_SPREAD] = np.where(np.isnan(excess[asked.h]), np.nan, spread)
    return found


def winsor_bounds(
    runs: Sequence[FoldRun], dataset: Path, market: MarketDays, horizons: Sequence[int]
) -> list[Bounds]:
    """The quantiles `WINSOR` of fwd_xs_h over each fold's eligible train rows, by horizon.

    NaN where there are none. In-sample, of all rows. Values of all folds are held at once: 4 bytes a
    row and horizon, and 8 for its days.
    """
    columns = ["eligible", OUTCOME_END, *(f"fwd_xs_{h}" for h in horizons)]
    last = max((run.fold.train_last for run in runs), default=None)
    days: list[Integers] = []
    ends: list[Integers] = []
    values: dict[int, list[NDArray[np.float32]]] = {h: [] for h in horizons}
    for _, rows in pieces(dataset, columns, last=last) if runs else ():
        kept = rows.filter("eligible")
        days.append(_days(kept, "trade_date"))
        ends.append(_days(kept, OUTCOME_END))
        for h in horizons:
            values[h].append(over_market(kept, h, market).astype(np.float32))
    bounds: list[Bounds] = [{} for _ in runs]
    if not days:
        return [dict.fromkeys(horizons, (np.nan, np.nan)) for _ in runs]
    day, end = np.concatenate(days), np.concatenate(ends)
    for h in horizons:
        every = np.concatenate(values.pop(h))
        known = ~np.isnan(every)
        for run, bound in zip(runs, bounds, strict=True):
            own = known & (day <= _day(run.fold.train_last))
            if not run.in_sample:
                own &= end < _day(run.fold.test_first)
            told = every[own]
            low, high = np.quantile(told, WINSOR) if len(told) else (np.nan, np.nan)
            bound[h] = (float(low), float(high))
    return bounds


def _final(sums: DateSums, horizons: Sequence[int]) -> dict[tuple[str, int], Sums]:
    found = dict(state_sums(sums, horizons))
    found |= {("xs_shumway", h): sums.of(f"xs_shumway_{h}") for h in horizons}
    return found | {("half_spread", 0): sums.of(HALF_SPREAD)}


def _by_period(run: FoldRun, sums: Mapping[tuple[str, int], Sums]) -> Iterator[pl.DataFrame]:
    """The tables of train and test: a fold's days are of one or the other, or of neither."""
    days = next(iter(sums.values())).days
    first, last = _day(run.fold.test_first), _day(run.fold.train_last)
    periods = {"train": days <= last, "test": days >= first}
    if run.in_sample:
        periods = {"test": np.ones(len(days), dtype=np.bool_)}
    for period, keep in periods.items():
        part = {key: one.on(keep) for key, one in sums.items()}
        yield stored(part, run.fold.fold, period)
