"""Λ: which states a portfolio holds, decided for each fold by its train rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.inference.draws import date_draws
from mf_etl.research.inference.intervals import estimates
from mf_etl.research.inference.sums import Sums
from mf_etl.research.validation.portfolio import chosen_states

_SCHEMA = {
    "fold": pl.Int16, "strategy": pl.String, "state": pl.Int16, "rows": pl.Int64,
    "mean": pl.Float64, "bound": pl.Float64, "needed": pl.Float64, "held": pl.Boolean,
}  # fmt: skip


def held_states(
    train: Mapping[int, Sums],
    half_spread: Mapping[int, float],
    *,
    h: int,
    replications: int = 5000,
    seed: int = 0,
) -> pl.DataFrame:
    """`fold, strategy, state, rows, mean, bound, needed, held`, by fold, side and state.

    `train` are sums of fwd_xs_h by day and state over a fold's eligible train rows, `half_spread` the
    mean of `portfolio.half_spread` over the same rows. `bound` is the 95 % bound of the mean nearest to
    0 by draws of whole dates: the lower one of the long side, the upper one of the short. A state is
    held if it pays beyond `needed`, both ways' half spread; null where it cannot be told. A side or a
    fold without any holds nothing.
    """
    tables = []
    for fold, sums in sorted(train.items()):
        found = estimates(sums, date_draws(sums, h, replications=replications, seed=seed))
        least = half_spread[fold]
        for side, sign, bound in (("long", 1, found.lo), ("short", -1, found.hi)):
            states = len(bound)
            chosen = chosen_states(np.nan_to_num(bound), least, sign=sign)
            columns: dict[str, Any] = {
                "fold": [fold] * states,
                "strategy": [side] * states,
                "state": np.arange(states),
                "rows": sums.count.sum(axis=0),
                "mean": found.mean,
                "bound": bound,
                "needed": [sign * 2 * least] * states,
                "held": np.isin(np.arange(states), chosen),
            }
            tables.append(
                pl.DataFrame(
                    [
                        pl.Series(name, values, nan_to_null=name in ("mean", "bound")).cast(dtype)
                        for (name, values), dtype in zip(
                            columns.items(), _SCHEMA.values(), strict=True
                        )
                    ]
                )
            )
    return pl.concat(tables) if tables else pl.DataFrame(schema=_SCHEMA)


def held_by_side(table: pl.DataFrame) -> dict[str, dict[int, list[int]]]:
    """The states of `held_states` that are held, by side and fold."""
    found: dict[str, dict[int, list[int]]] = {"long": {}, "short": {}}
    for side, fold, state in table.filter("held").select("strategy", "fold", "state").iter_rows():
        found[side].setdefault(fold, []).append(state)
    return found
