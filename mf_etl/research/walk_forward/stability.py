"""Whether states mean the same from year to year, and in each year what they did in train."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.inference.draws import Draws
from mf_etl.research.inference.sums import Floats
from mf_etl.research.validation.request import ValidationOptions
from mf_etl.research.validation.stability import (
    Years,
    agreement,
    by_year,
    homogeneity,
    share_drift,
    transition_drift,
)
from mf_etl.research.validation.stored import StoredSums
from mf_etl.research.walk_forward.folds import COLUMNS
from mf_etl.research.walk_forward.labels import FoldRun
from mf_etl.research.walk_forward.matching import Matched, states_of
from mf_etl.schemas.validation_tables import BY_YEAR


def stability_tables(
    runs: Sequence[FoldRun],
    matches: Sequence[Matched],
    labels: Path,
    sums: StoredSums,
    draws: Draws | None,
    asked: ValidationOptions,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Rows of `BY_YEAR`, and what ``drift.json`` holds."""
    states = states_of(matches)
    steps = _steps(labels, states)
    own = sums.of.get(("xs", asked.h))
    years = None
    if own is not None and draws is not None:
        options = {"replications": asked.replications, "seed": asked.seed}
        years = by_year(own, asked.h, block=draws.block, **options)
    likelihood = {run.fold.fold: _test_likelihood(run) for run in runs}
    table = _by_year(_rows(labels), steps, years, likelihood, states)
    return table, _drift(runs, matches, _rows(labels), steps, years, states)


def _rows(labels: Path) -> pl.DataFrame:
    """`year, state, rows` of labelled rows."""
    year = pl.col("trade_date").dt.year().cast(pl.Int16).alias("year")
    rows = pl.scan_parquet(labels, glob=False).filter(pl.col("state") >= 0)
    counts = rows.group_by(year, "state").agg(pl.len().cast(pl.Int64).alias("rows"))
    return counts.sort("year", "state").collect()


def _steps(labels: Path, states: int) -> dict[int, Floats]:
    """Steps from state (row) to state (column) by year, shape (states, states)."""
    year = pl.col("trade_date").dt.year().cast(pl.Int16).alias("year")
    rows = pl.scan_parquet(labels, glob=False).filter(pl.col("state") >= 0, pl.col("prev") >= 0)
    counts = rows.group_by(year, "prev", "state").agg(pl.len()).sort("year").collect()
    found: dict[int, Floats] = {}
    for one, prev, state, count in counts.rows():
        found.setdefault(one, np.zeros((states, states)))[prev, state] = count
    return found


def _test_likelihood(run: FoldRun) -> float | None:
    told = run.summary.get("log_likelihood_per_row")
    return told["test"] if isinstance(told, dict) else None


def _by_year(
    rows: pl.DataFrame,
    steps: dict[int, Floats],
    years: Years | None,
    likelihood: dict[int, float | None],
    states: int,
) -> pl.DataFrame:
    found = []
    at = {} if years is None else {int(year): n for n, year in enumerate(years.years)}
    for (year,), part in rows.group_by("year", maintain_order=True):
        counts = np.zeros(states, dtype=np.int64)
        counts[part.get_column("state").to_numpy()] = part.get_column("rows").to_numpy()
        mean = error = np.full(states, np.nan)
        if years is not None and year in at:
            mean, error = years.mean[at[year]], years.se_block[at[year]]
        stays = _stays(steps.get(int(str(year)), np.zeros((states, states))))
        rank = np.full(states, np.nan)
        known = np.flatnonzero(~np.isnan(mean))
        rank[known[np.argsort(mean[known], kind="stable")]] = np.arange(len(known)) + 1
        columns = {
            "year": np.full(states, year),
            "state": np.arange(states),
            "share": counts / max(1, counts.sum()),
            "rows": counts,
            "mean_xs": mean,
            "se_block": error,
            "rank": rank,
            "stay_probability": stays,
            "ll_per_row": likelihood.get(int(str(year))),
        }
        found.append(BY_YEAR.frame(columns, states))
    return pl.concat(found) if found else BY_YEAR.schema().to_frame()


def _stays(steps: Floats) -> Floats:
    total = steps.sum(axis=1)
    return np.where(total > 0, np.diag(steps) / np.where(total > 0, total, 1), np.nan)


def _drift(
    runs: Sequence[FoldRun],
    matches: Sequence[Matched],
    rows: pl.DataFrame,
    steps: dict[int, Floats],
    years: Years | None,
    states: int,
) -> dict[str, Any]:
    told: dict[str, Any] = {"tau": None, "tau_lo": None, "tau_hi": None, "homogeneity": []}
    if years is not None and len(years.years) > 1:
        found = agreement(years)
        told |= {"tau": found.tau, "tau_lo": found.lo, "tau_hi": found.hi}
        for state in range(states):
            same = homogeneity(years.mean[:, state], years.se_block[:, state])
            count = int((~np.isnan(years.mean[:, state])).sum())
            told["homogeneity"].append({"state": state, "years": count, "q": same.q, "p": same.p})
    told["years"] = []
    for run, match in zip(runs, matches, strict=True):
        if run.in_sample:
            continue
        year = run.fold.fold
        train = _train_rows(run, match, states)
        own = rows.filter(pl.col("year") == year)
        test = np.zeros(states)
        test[own.get_column("state").to_numpy()] = own.get_column("rows").to_numpy()
        if not train.sum() or not test.sum():
            continue
        divergence = share_drift((test / test.sum())[None, :], train / train.sum())[0]
        moved = transition_drift(
            _train_steps(run, match, states), steps.get(year, 0 * _eye(states))
        )
        told["years"].append(
            {"year": year, "share_divergence": divergence, "transition_drift": moved}
        )
    plain: dict[str, Any] = _plain(told)
    return plain


def _eye(states: int) -> Floats:
    return np.eye(states)


def _train_rows(run: FoldRun, match: Matched, states: int) -> NDArray[np.float64]:
    found = np.zeros(states)
    label = COLUMNS[run.request.research]
    profile = run.train_profile
    found[match.numbers[profile.get_column(label).to_numpy()]] = profile.get_column(
        "rows"
    ).to_numpy()
    return found


def _train_steps(run: FoldRun, match: Matched, states: int) -> Floats:
    """Steps between states in the fold's train rows, in the numbers across folds."""
    counts = run.train_steps
    found = np.zeros((states, states))
    found[np.ix_(match.numbers, match.numbers)] = counts
    return found


def _plain(value: Any) -> Any:
    """Numbers as JSON has them; what is not finite is none."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
