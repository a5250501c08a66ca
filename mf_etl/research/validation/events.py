"""Transitions between states as events: what followed them, day by day and as a portfolio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.inference.draws import Draws
from mf_etl.research.inference.hac import line
from mf_etl.research.inference.intervals import Estimates, estimates_of, stepdown
from mf_etl.research.inference.sums import DateSums, Floats, Integers, Sums, joined

OFFSETS = range(-10, 21)
"""r: AR_r is fwd_xs_1 of row t + r − 1, so that r = 1 is the first day that could be traded."""

CUMULATED = (5, 10, 20)
LEAST_EVENTS, LEAST_DATES = 200, 100
FOLD_START = 3
"""Rows from a fold's first day in which a change may come from the new model alone."""

_PATH = tuple(f"ar_{r}" for r in OFFSETS)
_CAR = tuple(f"car_1_{last}" for last in CUMULATED)
MEASURES = (*_PATH, *_CAR)


@dataclass(frozen=True)
class Labels:
    """Rows of one ticker's segment, in order and without gaps; shape (rows,) each.

    `state` is known on the day (−1: none), by the model of `fold`; `excess` is fwd_xs_1 and `entered`
    fwd_oo_1, NaN where there is none or the row is not eligible.
    """

    days: Integers
    state: Integers
    fold: Integers
    excess: Floats
    entered: Floats


class EventSums:
    """Adds up events by date and pair of states, a ticker at a time; pair = prev·states + next."""

    def __init__(self, days: Integers, states: int, *, h: int, least_run: int = 3) -> None:
        self.states, self._h, self._least_run = states, h, least_run
        self._paths = DateSums(days, states * states, MEASURES)
        self._held = DateSums(days, states * states, ["entered"])
        self.events, self.tickers = np.zeros((2, states * states), dtype=np.int64)
        self._dates = np.zeros((len(days), states * states), dtype=np.bool_)

    def add(self, labels: Labels) -> None:
        """Add the events of a ticker's segment."""
        rows, pair = events(labels.state, labels.fold, self.states, self._least_run)
        self.events += np.bincount(pair, minlength=len(self.events))
        self.tickers += np.bincount(np.unique(pair), minlength=len(self.events))
        self._dates[np.searchsorted(self._paths.days, labels.days[rows]), pair] = True
        self._paths.add(labels.days[rows], pair, abnormal(labels.excess, rows))
        # Held over h rows from the event's own; a name counts once however many events it had.
        every = rows[:, None] + np.arange(self._h)
        inside = every < len(labels.days)
        cells = np.unique(
            every[inside] * len(self.events) + np.broadcast_to(pair[:, None], every.shape)[inside]
        )
        held, which = cells // len(self.events), cells % len(self.events)
        self._held.add(labels.days[held], which, {"entered": labels.entered[held]})

    @property
    def dates(self) -> NDArray[np.int64]:
        """Dates with an event, by pair."""
        dates: NDArray[np.int64] = self._dates.sum(axis=0)
        return dates

    def of(self, measure: str) -> Sums:
        """Sums of a measure by event date, one column a pair."""
        return self._paths.of(measure)

    def calendar(self) -> Floats:
        """Mean fwd_oo_1 of the names held after events, shape (T, pairs); NaN without any."""
        held = self._held.of("entered")
        some = held.count > 0
        mean: Floats = np.where(some, held.total / np.where(some, held.count, 1.0), np.nan)
        return mean


def events(
    state: Integers, fold: Integers, states: int, least_run: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of changes a→b after a run of a of at least `least_run` rows, and their pairs.

    Not the rows within three of the first of a fold: there a change may come from the new model.
    """
    codes = state.astype(np.int64)
    row = np.arange(len(codes))
    changed, begins = np.zeros((2, len(codes)), dtype=np.bool_)
    begins[:1] = True
    begins[1:] = fold[1:] != fold[:-1]
    changed[1:] = (codes[1:] != codes[:-1]) & ~begins[1:]
    start, first = (
        np.maximum.accumulate(np.where(at, row, 0)) for at in (changed | begins, begins)
    )
    candidates = np.flatnonzero(changed)
    run = candidates - start[candidates - 1]
    before, after = codes[candidates - 1], codes[candidates]
    keep = (
        (run >= least_run)
        & (before >= 0)
        & (after >= 0)
        & (candidates - first[candidates] >= FOLD_START)
    )
    return candidates[keep], (before * states + after)[keep]


def abnormal(excess: Floats, rows: Integers) -> dict[str, Floats]:
    """AR_r by offset and their sums over r = 1..5, 10, 20, shape (events,) each; NaN where missing."""
    at = rows[:, None] + np.array(OFFSETS) - 1
    inside = (at >= 0) & (at < len(excess))
    found = np.where(inside, excess[np.clip(at, 0, max(len(excess) - 1, 0))], np.nan)
    first = OFFSETS.index(1)
    sums = [found[:, first : first + last].sum(axis=1) for last in CUMULATED]
    return dict(zip(MEASURES, [*found.T, *sums], strict=True))


def event_paths(sums: EventSums, draws: Draws) -> pl.DataFrame:
    """`prev, next, r, events, dates, aar, caar, lo, hi`: the mean path of each pair with an event.

    caar adds up aar from r = 1 on and is 0 at r = 0, before that back from there; lo and hi are its
    95 % interval by whole event dates.
    """
    pairs = np.flatnonzero(sums.events)
    columns = joined([sums.of(name).columns(pairs) for name in _PATH])
    shape = (len(OFFSETS), len(pairs))
    means = columns.mean.reshape(shape)
    drawn = draws.means(columns).reshape(-1, *shape)
    path, paths = _cumulated(means), _cumulated(drawn)
    found = estimates_of(path.reshape(-1), paths.reshape(len(paths), -1), draws.widening)
    dates = (columns.count > 0).sum(axis=0)
    return _table(
        {
            "prev": np.tile(pairs // sums.states, shape[0]),
            "next": np.tile(pairs % sums.states, shape[0]),
            "r": np.repeat(np.array(OFFSETS), shape[1]),
            "events": columns.count.sum(axis=0).astype(np.int64),
            "dates": dates,
            "aar": columns.mean,
            "caar": found.mean,
            "lo": found.lo,
            "hi": found.hi,
        }
    ).sort("prev", "next", "r")


def _cumulated(aar: Floats) -> Floats:
    """Sums from r = 1 on along the axis before the last; for r < 0, less what came from r + 1 to 0."""
    total = np.cumsum(aar, axis=-2)
    at_zero = total[..., OFFSETS.index(0), :]
    path: Floats = total - at_zero[..., None, :]
    return path


def event_summary(
    sums: EventSums, draws: Draws, market: Floats, *, h: int, days_a_year: float = 252.0
) -> pl.DataFrame:
    """One row a pair with an event: cumulated returns, their test, and the calendar-time alpha.

    `market`, shape (T,), is the market's fwd_oo_1 by date. p_stepdown is of car_1_10, its family the
    pairs with at least 200 events on at least 100 dates; se_block is of car_1_10 too.
    """
    pairs = np.flatnonzero(sums.events)
    cars = {name: sums.of(name).columns(pairs) for name in _CAR}
    main: Estimates = estimates_of(
        cars["car_1_10"].mean, draws.means(cars["car_1_10"]), draws.widening
    )
    enough = (sums.events[pairs] >= LEAST_EVENTS) & (sums.dates[pairs] >= LEAST_DATES)
    calendar = sums.calendar()[:, pairs]
    lines = [line(column, market, h) for column in calendar.T]
    years = calendar.shape[0] / days_a_year
    return _table(
        {
            "prev": pairs // sums.states,
            "next": pairs % sums.states,
            "events": sums.events[pairs],
            "dates": sums.dates[pairs],
            "tickers": sums.tickers[pairs],
            **{name: one.mean for name, one in cars.items()},
            "se_block": main.se_block,
            "p_stepdown": stepdown(main.stars, np.where(enough, main.t, np.nan)),
            "alpha": np.array([one.alpha for one in lines], dtype=np.float64),
            "t_alpha": np.array([one.t_alpha for one in lines], dtype=np.float64),
            "events_per_year": sums.events[pairs] / years,
        }
    )


def _table(columns: dict[str, NDArray[Any]]) -> pl.DataFrame:
    series = []
    for name, values in columns.items():
        if name in ("prev", "next", "r"):
            series.append(pl.Series(name, values.astype(np.int16)))
        elif values.dtype.kind == "f":
            series.append(
                pl.Series(name, np.where(np.isfinite(values), values, np.nan), nan_to_null=True)
            )
        else:
            series.append(pl.Series(name, values))
    return pl.DataFrame(series)
