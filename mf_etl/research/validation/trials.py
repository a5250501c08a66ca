"""How much of the best of many trials is luck: effective number, reality check, overfitting."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.datasets.columns import OPEN_BARS
from mf_etl.research.inference.sums import Floats
from mf_etl.research.validation.sharpe import sharpe_error

LEAST_TRIALS = 4
"""With a daily series; fewer bear neither a reality check nor a probability of overfitting."""

BLOCKS = 16


@dataclass(frozen=True)
class Trials:
    """`count` trials, `effective` independent ones, and the variance of a daily Sharpe ratio by luck.

    `effective` and `variance` are None with fewer than four daily series.
    """

    count: int
    effective: float | None
    variance: float | None


def daily_series(table: pl.DataFrame) -> Floats:
    """Daily active returns of the rows of `trials.parquet`, shape (T, trials).

    Days are those on which every trial has one; columns are by run, state, side and horizon.
    """
    names = ["run", "state", "side", "h"]
    told = table.drop_nulls("active").sort(*names, "trade_date")
    if told.is_empty():
        return np.empty((0, 0))
    wide = told.pivot(names, index="trade_date", values="active").drop_nulls()
    return wide.sort("trade_date").drop("trade_date").to_numpy()


def trials(daily: Floats, count: int, *, lags: int = max(OPEN_BARS)) -> Trials:
    """Of daily active returns, shape (T, trials), and as many trials as `count` in all.

    N_eff = (Σλ)²/Σλ² over the eigenvalues of their correlations; series that do not vary are left
    out. The variance is what trials without skill have: the mean of their squared standard errors, with
    autocorrelation up to `lags` days. That between trials is the same where no trial has skill. Where
    one has it is that of the skill: each state is tried both ways, so that a good one makes its
    opposite as bad, and even a Sharpe ratio of 10 would not be beyond what the best of them may have.
    """
    moving = daily[:, np.ptp(daily, axis=0) > 0] if len(daily) else daily[:, :0]
    if moving.shape[1] < LEAST_TRIALS:
        return Trials(count, None, None)
    # Σλ is the trace and Σλ² the sum of squares of a symmetric matrix.
    correlations = np.corrcoef(moving.T)
    effective = float(np.trace(correlations) ** 2 / np.square(correlations).sum())
    errors = [sharpe_error(column, lags) for column in moving.T]
    return Trials(count, effective, float(np.square(errors).mean()))


def superior_ability(
    active: Floats, *, block: int, replications: int = 5000, seed: int = 0
) -> dict[str, float] | None:
    """p values `lower`, `consistent` and `upper` that no trial beats its market (Hansen 2005).

    `active`, shape (T, trials), are daily returns after costs, less the market's by the same rules.
    `upper` is White's reality check (2000). Each column is divided by its bootstrap standard error.
    None with fewer than four trials that vary.
    """
    # The library takes seconds to import.
    from arch.bootstrap import SPA

    moving = np.ptp(active, axis=0) > 0 if len(active) else np.zeros(active.shape[1], dtype=bool)
    if moving.sum() < LEAST_TRIALS:
        return None
    active = active[:, moving]
    test = SPA(
        np.zeros(len(active)),
        -active / _errors(active, block, replications, seed),
        block_size=block,
        reps=replications,
        bootstrap="stationary",
        studentize=False,
        seed=np.random.default_rng(seed),
    )
    test.compute()
    return {str(name): float(p) for name, p in test.pvalues.items()}


def _errors(columns: Floats, block: int, replications: int, seed: int) -> Floats:
    from mf_etl.research.inference.draws import Draws
    from mf_etl.research.inference.sums import Sums

    days = np.arange(len(columns))
    sums = Sums(days, np.ones_like(columns), columns, np.square(columns))
    drawn = Draws(len(columns), block, replications, seed).means(sums)
    errors: Floats = drawn.std(axis=0, ddof=1) * math.sqrt(len(columns))
    return errors


@dataclass(frozen=True)
class Overfitting:
    """`pbo`: how often the best half of the days' choice is in the lower half of the others.

    `logits` has one value a split: of the relative rank, out of sample, of the in-sample best.
    """

    pbo: float
    logits: Floats


def probability_of_overfitting(active: Floats, blocks: int = BLOCKS) -> Overfitting | None:
    """Combinatorially symmetric cross-validation of daily active returns, shape (T, trials).

    Days are cut into `blocks` of equal length (what is left over at the start is not used); each
    half of the blocks chooses by Sharpe ratio and the other half judges (Bailey, Borwein, López de
    Prado and Zhu 2017). None with fewer than four trials or two days a block.
    """
    length = len(active) // blocks
    if active.shape[1] < LEAST_TRIALS or length < 2:
        return None
    parts = active[len(active) - length * blocks :].reshape(blocks, length, -1)
    total, square = parts.sum(axis=1), np.square(parts).sum(axis=1)
    logits = []
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        inside = np.zeros(blocks, dtype=np.bool_)
        inside[list(chosen)] = True
        best = int(np.argmax(_ratios(total[inside], square[inside], length)))
        outside = _ratios(total[~inside], square[~inside], length)
        # Ranks from 1, the mean one of equals, over N + 1.
        below = float((outside < outside[best]).sum() + ((outside == outside[best]).sum() - 1) / 2)
        rank = (below + 1) / (len(outside) + 1)
        logits.append(math.log(rank / (1 - rank)))
    told = np.array(logits)
    return Overfitting(float((told <= 0).mean()), told)


def _ratios(total: Floats, square: Floats, length: int) -> Any:
    """Sharpe ratios of the days of these blocks, from their sums; −∞ where nothing moves."""
    days = length * len(total)
    mean = total.sum(axis=0) / days
    variance = square.sum(axis=0) / days - mean**2
    moving = variance > 1e-300
    return np.where(moving, mean / np.sqrt(np.where(moving, variance, 1.0)), -np.inf)
