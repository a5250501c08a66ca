"""What followed each state, from stored sums: tables, and what they rest on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.inference.draws import Draws
from mf_etl.research.inference.sums import Integers
from mf_etl.research.validation.request import ValidationOptions
from mf_etl.research.validation.state_outcomes import (
    TESTED,
    StateOutcomes,
    state_outcomes,
)
from mf_etl.research.validation.stored import StoredSums
from mf_etl.schemas.validation_tables import PAIRS, STATE_OUTCOMES

LEAST_DAYS = 16
"""Fewer bear no draws of whole dates."""

FACTORS = {"half_block": 0.5, "double_block": 2.0}


def outcome_tables(
    sums: StoredSums, tickers: Integers, asked: ValidationOptions
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Any]]:
    """Rows of `STATE_OUTCOMES` and `PAIRS`, and what ``state_tests.json`` holds.

    `tickers`, shape (states,), are those with labelled eligible rows. With fewer than 16 days nothing
    can be told: then the tables are empty.
    """
    told: dict[str, Any] = {
        "days": len(sums.days), "replications": asked.replications, "block": None, "widening": None,
        "joint": {}, **{name: [] for name in FACTORS},
    }  # fmt: skip
    of = {key: one for key, one in sums.of.items() if key[1]}
    if len(sums.days) < LEAST_DAYS or not any(measure == TESTED for measure, _ in of):
        return STATE_OUTCOMES.schema().to_frame(), PAIRS.schema().to_frame(), told
    options = {"replications": asked.replications, "seed": asked.seed}
    found = state_outcomes(of, tickers, **options)
    told["block"], told["widening"] = found.draws.block, found.draws.widening
    told["joint"] = {
        str(h): {"states": wald.columns, "w": wald.w, "p": wald.p}
        for h, wald in found.joint.items()
    }
    tested = {key: one for key, one in of.items() if key[0] == TESTED}
    for name, factor in FACTORS.items():
        other = state_outcomes(tested, tickers, **options, block_factor=factor)
        told[name] = _intervals(other)
    order = ["h", "measure", "state"]
    table = found.table.sort(order).select(STATE_OUTCOMES.names)
    return table, found.pairs.select(PAIRS.names), told


def _intervals(found: StateOutcomes) -> list[dict[str, Any]]:
    names = ["state", "h", "mean", "se_block", "lo", "hi", "p_stepdown"]
    block = {"block": found.draws.block}
    return [block | row for row in found.table.select(names).to_dicts()]


def tickers_by_state(labels: Path, states: int) -> Integers:
    """Names with an eligible row of each state, shape (states,)."""
    rows = pl.scan_parquet(labels, glob=False).filter(pl.col("eligible"), pl.col("state") >= 0)
    names = rows.group_by("state").agg(pl.struct("ticker", "exchange").n_unique().alias("n"))
    found = np.zeros(states, dtype=np.int64)
    table = names.collect()
    found[table.get_column("state").to_numpy()] = table.get_column("n").to_numpy()
    return found


def stored_draws(state_tests: Path, asked: ValidationOptions) -> Draws | None:
    """The draws that ``state_tests.json`` rests on; None where there were too few days."""
    tests: dict[str, Any] = json.loads(state_tests.read_text(encoding="utf-8"))
    if tests["block"] is None:
        return None
    block = min(int(tests["block"]), int(tests["days"]) // 2)
    return Draws(int(tests["days"]), block, asked.replications, asked.seed)
