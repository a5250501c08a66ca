"""Sums of outcomes by day, fold, period and state: rows are read once for all folds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.datasets.columns import BARS_LEFT, DELISTED, OUTCOME_END
from mf_etl.research.inference.sums import DateSums, Floats, Sums
from mf_etl.research.validation.measures import WINSOR, measured, state_sums
from mf_etl.research.validation.portfolio import LEAST_SPREAD
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

PERIODS = ("train", "test")
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
    bounds = [winsor_bounds(run, dataset, days, horizons) for run in runs]
    states = states_of(matches)
    names = [f"{m}_{h}" for m in MEASURES for h in horizons] + [HALF_SPREAD]
    sums = [{p: DateSums(days.days, states, names) for p in PERIODS} for _ in runs]
    for inside, rows in pieces(dataset, needed(horizons)):
        rows = rows.with_row_index("row")
        outcomes = _outcomes(rows, days, asked)
        for run, match, bound, own in zip(runs, matches, bounds, sums, strict=True):
            mine = rows.select("row", *KEYS, OUTCOME_END).join(
                run.rows().filter(inside).select(*KEYS, "period", "label").collect(), on=KEYS
            )
            purged = (pl.col("period") == "train") & (pl.col(OUTCOME_END) >= run.fold.test_first)
            mine = mine.filter(~purged if not run.in_sample else pl.lit(True)).sort("row")
            for period in PERIODS:
                part = mine.filter(pl.col("period") == period)
                at = part.get_column("row").to_numpy()
                number = renumbered(part.get_column("label").to_numpy(), match.numbers)
                day = part.get_column("trade_date").to_physical().to_numpy()
                own[period].add(day, number, outcomes.taken(at, bound))
    tables = [
        stored(_final(one[period], horizons), run.fold.fold, period)
        for run, one in zip(runs, sums, strict=True)
        for period in PERIODS
    ]
    return pl.concat(tables) if tables else STATE_SUMS.schema().to_frame()


MEASURES = ("xs", "oo", "log_xs", "hit_xs", "winsor_xs", "xs_shumway")


class _Outcomes:
    """Outcomes of the rows of a piece, by horizon."""

    def __init__(
        self,
        entered: dict[int, Floats],
        excess: dict[int, Floats],
        shumway: dict[int, Floats],
        half_spread: Floats,
    ) -> None:
        self.entered, self.excess, self.shumway = entered, excess, shumway
        self.half_spread = half_spread

    def taken(self, at: NDArray[np.uint32], bounds: Bounds) -> dict[str, Floats]:
        """All measures of these rows."""
        told = measured(
            {h: values[at] for h, values in self.entered.items()},
            {h: values[at] for h, values in self.excess.items()},
            np.ones(len(at), dtype=np.bool_),
            bounds,
        )
        told |= {f"xs_shumway_{h}": values[at] for h, values in self.shumway.items()}
        return told | {HALF_SPREAD: self.half_spread[at]}


def _outcomes(rows: pl.DataFrame, market: MarketDays, asked: ValidationRequest) -> _Outcomes:
    days = rows.get_column("trade_date").to_physical().to_numpy()
    delisted, left = rows.get_column(DELISTED).to_numpy(), numbers(rows, BARS_LEFT)
    entered = {h: numbers(rows, f"fwd_oo_{h}") for h in asked.horizons}
    excess = {h: over_market(rows, h, market) for h in asked.horizons}
    shumway = {}
    for h in asked.horizons:
        # What ends before the horizon does was told by its last close.
        lost = np.where(delisted & (left < h + 1), (1 + entered[h]) * LOSS - 1, entered[h])
        known = ~np.isnan(excess[h])
        shumway[h] = np.where(known, lost - market.on(days, market.shumway[h]), np.nan)
    spread = np.maximum(np.nan_to_num(numbers(rows, "spread_60")), LEAST_SPREAD) / 2
    return _Outcomes(entered, excess, shumway, np.where(np.isnan(excess[asked.h]), np.nan, spread))


def winsor_bounds(
    run: FoldRun, dataset: Path, market: MarketDays, horizons: Sequence[int]
) -> Bounds:
    """The quantiles `WINSOR` of fwd_xs_h over the fold's eligible train rows, by horizon.

    NaN where there are none. In-sample, of all rows.
    """
    columns = ["eligible", OUTCOME_END, *(f"fwd_xs_{h}" for h in horizons)]
    found: dict[int, list[Floats]] = {h: [] for h in horizons}
    for _, rows in pieces(dataset, columns, last=run.fold.train_last):
        kept = rows
        if not run.in_sample:
            kept = rows.filter(pl.col(OUTCOME_END) < run.fold.test_first)
        for h in horizons:
            values = over_market(kept, h, market)
            found[h].append(values[~np.isnan(values)].astype(np.float32))
    bounds = {}
    for h, parts in found.items():
        values = np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)
        low, high = np.quantile(values, WINSOR) if len(values) else (np.nan, np.nan)
        bounds[h] = (float(low), float(high))
    return bounds


def _final(sums: DateSums, horizons: Sequence[int]) -> dict[tuple[str, int], Sums]:
    found = dict(state_sums(sums, horizons))
    found |= {("xs_shumway", h): sums.of(f"xs_shumway_{h}") for h in horizons}
    return found | {("half_spread", 0): sums.of(HALF_SPREAD)}
