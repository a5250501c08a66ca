"""What followed each state: means with errors that hold, tests, and differences between states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.inference.draws import Draws, block_length
from mf_etl.research.inference.hac import mean_error
from mf_etl.research.inference.intervals import (
    Estimates,
    Wald,
    differences,
    equal_means,
    estimates_of,
    false_discovery,
    stepdown,
)
from mf_etl.research.inference.sums import Floats, Integers, Sums, joined

TESTED = "xs"
"""The measure whose states and horizons are the family of tests."""

TOLD_ONLY = "oo"
DETECTABLE = 2.8
"""Standard errors at which an effect is found with 80 % power at the 5 % level."""

OUTCOMES_SCHEMA = {
    "state": pl.Int16,
    "h": pl.Int8,
    "measure": pl.String,
    "rows": pl.Int64,
    "dates": pl.Int64,
    "tickers": pl.Int64,
    **dict.fromkeys(
        ("mean", "mean_by_date", "se_naive", "se_hac", "se_block", "design_effect", "n_effective",
         "lo", "hi", "t", "p", "p_stepdown", "q_by", "min_detectable", "cost_break_even_bps"),
        pl.Float64,
    ),
}  # fmt: skip
PAIRS_SCHEMA = {
    "state_a": pl.Int16,
    "state_b": pl.Int16,
    "h": pl.Int8,
    **dict.fromkeys(("diff", "se_block", "lo", "hi", "p_stepdown"), pl.Float64),
}


@dataclass(frozen=True)
class StateOutcomes:
    """`table` has the columns of `OUTCOMES_SCHEMA`, `pairs` those of `PAIRS_SCHEMA`; `joint` is the
    test that all states have one mean, by horizon."""

    table: pl.DataFrame
    pairs: pl.DataFrame
    joint: dict[int, Wald]
    draws: Draws


def state_outcomes(
    sums: Mapping[tuple[str, int], Sums],
    tickers: Integers,
    *,
    replications: int = 5000,
    seed: int = 0,
    block_factor: float = 1.0,
) -> StateOutcomes:
    """Outcomes by state, horizon and measure from `state_sums`; `tickers` has shape (states,).

    One set of draws serves all of it. Blocks fit the tested columns (see `block_length`), times
    `block_factor`: 0.5 and 2 show how much hangs on them. Raises `ValueError` for fewer than 16 days.
    """
    tested = joined([one for (measure, _), one in sums.items() if measure == TESTED])
    horizons = [h for measure, h in sums if measure == TESTED]
    block = max(1, round(block_length(tested.scores, max(horizons)) * block_factor))
    draws = Draws(len(tested.days), min(block, len(tested.days) // 2), replications, seed)
    drawn = draws.means(joined(list(sums.values())))
    states = len(tickers)
    parts = {key: drawn[:, n * states : (n + 1) * states] for n, key in enumerate(sums)}
    found = {key: estimates_of(one.mean, parts[key], draws.widening) for key, one in sums.items()}
    family = [key for key in sums if key[0] == TESTED]
    stars = np.concatenate([found[key].stars for key in family], axis=1)
    statistics = np.concatenate([found[key].t for key in family])
    adjusted = np.split(stepdown(stars, statistics), len(family))
    q = np.split(false_discovery(np.concatenate([found[k].p for k in family])), len(family))
    extra = {key: (p, one) for key, p, one in zip(family, adjusted, q, strict=True)}
    none = np.full(states, np.nan)
    tables = [
        _table(key, one, found[key], tickers, draws, *extra.get(key, (none, none)))
        for key, one in sums.items()
    ]
    return StateOutcomes(
        pl.concat(tables),
        _pairs({h: (found[TESTED, h], parts[TESTED, h]) for h in horizons}, draws),
        {h: _joint(found[TESTED, h], parts[TESTED, h], draws) for h in horizons},
        draws,
    )


def _table(
    key: tuple[str, int],
    sums: Sums,
    found: Estimates,
    tickers: Integers,
    draws: Draws,
    adjusted: Floats,
    q: Floats,
) -> pl.DataFrame:
    measure, h = key
    is_tested = measure != TOLD_ONLY
    rows, naive = sums.count.sum(axis=0), sums.naive_error()
    effect = np.square(np.divide(found.se_block, naive, where=naive > 0, out=naive * np.nan))
    hac = [
        mean_error(column + mean, h + draws.block) if np.isfinite(mean) else np.nan
        for column, mean in zip(sums.scores.T, found.mean, strict=True)
    ]
    none = np.full(len(rows), np.nan)
    columns: dict[str, Any] = {
        "state": np.arange(len(rows)),
        "h": np.full(len(rows), h),
        "measure": [measure] * len(rows),
        "rows": rows,
        "dates": (sums.count > 0).sum(axis=0),
        "tickers": tickers,
        "mean": found.mean,
        "mean_by_date": sums.mean_by_date(),
        "se_naive": naive,
        "se_hac": np.array(hac),
        "se_block": found.se_block,
        "design_effect": effect,
        "n_effective": rows / effect,
        "lo": found.lo,
        "hi": found.hi,
        "t": found.t if is_tested else none,
        "p": found.p if is_tested else none,
        "p_stepdown": adjusted,
        "q_by": q,
        "min_detectable": DETECTABLE * found.se_block,
        "cost_break_even_bps": found.mean / 2 * 1e4,
    }
    return _frame(columns, OUTCOMES_SCHEMA)


def _pairs(found: Mapping[int, tuple[Estimates, Floats]], draws: Draws) -> pl.DataFrame:
    """Differences of all pairs of tested states at all horizons: one family."""
    parts = {h: differences(one, drawn, draws.widening) for h, (one, drawn) in found.items()}
    every = [one for _, one in parts.values()]
    adjusted = stepdown(
        np.concatenate([one.stars for one in every], axis=1),
        np.concatenate([one.t for one in every]),
    )
    which = np.concatenate([pair for pair, _ in parts.values()])
    columns = {
        "state_a": which[:, 0],
        "state_b": which[:, 1],
        "h": np.repeat(list(parts), [len(pair) for pair, _ in parts.values()]),
        "diff": np.concatenate([one.mean for one in every]),
        **{
            name: np.concatenate([getattr(one, name) for one in every])
            for name in ("se_block", "lo", "hi")
        },
        "p_stepdown": adjusted,
    }
    return _frame(columns, PAIRS_SCHEMA)


def _joint(found: Estimates, drawn: Floats, draws: Draws) -> Wald:
    tested = found.tested
    return equal_means(found.mean[tested], drawn[:, tested], draws.widening)


def _frame(columns: Mapping[str, Any], schema: Mapping[str, Any]) -> pl.DataFrame:
    """A table in which what is not defined is null."""
    series = []
    for name, values in columns.items():
        is_float = schema[name] == pl.Float64
        values = np.where(np.isfinite(values), values, np.nan) if is_float else values
        one = pl.Series(name, values, nan_to_null=is_float)
        series.append(one.cast(schema[name]))
    return pl.DataFrame(series)
