"""Λ: which states a portfolio holds, decided for each fold by its train rows alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.inference.draws import date_draws
from mf_etl.research.inference.intervals import estimates
from mf_etl.research.inference.sums import Sums
from mf_etl.research.validation.portfolio import chosen_states

HALF_SPREAD = "half_spread"
"""Measure of `state_sums`, at h 0: `portfolio.half_spread` of eligible rows."""

FEWEST_DATES = 16
"""Of train rows; fewer bear no interval."""

HELD_SCHEMA = {
    "fold": pl.Int16, "strategy": pl.String, "state": pl.Int16, "rows": pl.Int64,
    "mean": pl.Float64, "bound": pl.Float64, "needed": pl.Float64, "held": pl.Boolean,
}  # fmt: skip


def held_states(
    state_sums: pl.DataFrame, *, h: int, replications: int = 5000, seed: int = 0
) -> pl.DataFrame:
    """`fold, strategy, state, rows, mean, bound, needed, held`, by fold, side and state.

    `state_sums` are those of a validation; read are the train rows' xs of horizon `h` and half spread.
    `bound` is the 95 % bound of the mean nearest to 0 by draws of whole dates: the lower one of the
    long side, the upper one of the short. A state is held if it pays beyond `needed`, twice the mean
    half spread of all; null where it cannot be told. A side or a fold without any holds nothing.
    """
    train = state_sums.filter((pl.col("period") == "train") & (pl.col("state") >= 0))
    states = int(train.get_column("state").to_numpy().max(initial=-1)) + 1
    tables = [_of_fold(fold, part, states, h, replications, seed) for fold, part in _folds(train)]
    return pl.concat(tables) if tables else pl.DataFrame(schema=HELD_SCHEMA)


def held_by_side(table: pl.DataFrame) -> dict[str, dict[int, list[int]]]:
    """The states of `held_states` that are held, by side and fold."""
    found: dict[str, dict[int, list[int]]] = {"long": {}, "short": {}}
    for side, fold, state in table.filter("held").select("strategy", "fold", "state").iter_rows():
        found[side].setdefault(fold, []).append(state)
    return found


def sums_of(rows: pl.DataFrame, states: int) -> Sums:
    """Rows of `state_sums` of one fold, period, measure and horizon as sums, one column a state."""
    days, at = np.unique(
        rows.get_column("trade_date").to_physical().to_numpy(), return_inverse=True
    )
    state = rows.get_column("state").to_numpy()
    columns = np.zeros((3, len(days), states))
    for column, name in zip(columns, ("n", "s", "ss"), strict=True):
        np.add.at(column, (at, state), rows.get_column(name).to_numpy())
    return Sums(days, *columns)


def _folds(train: pl.DataFrame) -> list[tuple[int, pl.DataFrame]]:
    parts = train.partition_by("fold", as_dict=True)
    return [(int(fold), part) for (fold,), part in sorted(parts.items(), key=lambda item: item[0])]


def _of_fold(
    fold: int, train: pl.DataFrame, states: int, h: int, replications: int, seed: int
) -> pl.DataFrame:
    sums = sums_of(train.filter(measure="xs", h=h), states)
    spread = train.filter(measure=HALF_SPREAD).select(pl.col("s").sum(), pl.col("n").sum())
    total, rows = spread.row(0)
    least = total / rows if rows else np.nan
    mean = lo = hi = np.full(states, np.nan)
    if len(sums.days) >= FEWEST_DATES:
        found = estimates(sums, date_draws(sums, h, replications=replications, seed=seed))
        mean, lo, hi = found.mean, found.lo, found.hi
    tables = []
    for side, sign, bound in (("long", 1, lo), ("short", -1, hi)):
        chosen = chosen_states(bound, least, sign=sign)
        columns: dict[str, Any] = {
            "fold": np.full(states, fold),
            "strategy": [side] * states,
            "state": np.arange(states),
            "rows": sums.count.sum(axis=0),
            "mean": mean,
            "bound": bound,
            "needed": np.full(states, sign * 2 * least),
            "held": np.isin(np.arange(states), chosen),
        }
        tables.append(
            pl.DataFrame(
                [
                    pl.Series(name, values, nan_to_null=dtype == pl.Float64).cast(dtype)
                    for (name, dtype), values in zip(
                        HELD_SCHEMA.items(), columns.values(), strict=True
                    )
                ]
            )
        )
    return pl.concat(tables)
