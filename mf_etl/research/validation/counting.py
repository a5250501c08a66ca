"""Trials of one or more validations: how many there were, and how much of the best is luck."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl.research.inference.draws import Draws
from mf_etl.research.validation.request import ValidationOptions
from mf_etl.research.validation.trials import (
    Trials,
    daily_series,
    probability_of_overfitting,
    superior_ability,
    trials,
)

NAMES = ("run", "state", "side", "h")
"""What a trial is known by."""


def trial_tables(paths: Sequence[Path]) -> pl.DataFrame:
    """The trials of several validations as one table of `TRIALS`."""
    return pl.concat([pl.read_parquet(path, glob=False) for path in paths])


def counted(table: pl.DataFrame, others: int) -> Trials:
    """The trials of `table`, and so many `others` of which no days are known."""
    return trials(daily_series(table), table.select(NAMES).n_unique() + others)


def trials_told(paths: Sequence[Path], cells: int, extra: int) -> dict[str, Any]:
    """What the summary tells: the run's own trials are the first path's."""
    table = trial_tables(paths)
    own = pl.read_parquet(paths[0], columns=list(NAMES), glob=False).n_unique()
    found = counted(table, cells + extra)
    return {
        "own": own,
        "of_other_validations": table.select(NAMES).n_unique() - own,
        "cells_and_seeds": cells,
        "extra": extra,
        "count": found.count,
        "effective": found.effective,
        "variance": found.variance,
    }


def spa_of(table: pl.DataFrame, draws: Draws | None, asked: ValidationOptions) -> dict[str, Any]:
    """What ``spa.json`` holds; p values are None with fewer than four trials, or without a market."""
    active = daily_series(table)
    found = None
    if draws is not None and len(active) > draws.block:
        options = {"replications": asked.replications, "seed": asked.seed}
        found = superior_ability(active, block=draws.block, **options)
    none = dict.fromkeys(("lower", "consistent", "upper"))
    count = int(active.shape[1]) if active.ndim == 2 else 0
    return {
        "trials": count,
        "days": len(active),
        "block": None if draws is None else draws.block,
        **(none if found is None else found),
    }


def pbo_of(table: pl.DataFrame) -> dict[str, Any]:
    """What ``pbo.json`` holds; None with fewer than four trials or too few days."""
    found = probability_of_overfitting(daily_series(table))
    if found is None:
        return {"pbo": None, "splits": 0, "logits": []}
    return {"pbo": found.pbo, "splits": len(found.logits), "logits": found.logits.tolist()}
