"""How far apart labels are in what follows them, and whether that is more than chance gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.datasets.columns import SEPARATION_OUTCOMES
from mf_etl.research.evaluation.groups import Groups
from mf_etl.research.inference.draws import block_length, date_draws
from mf_etl.research.inference.intervals import estimates
from mf_etl.research.inference.separation import separation, spread
from mf_etl.research.inference.shifted import (
    common_shifts,
    paths_of,
    seeded_tickers,
    shifted_labels,
)
from mf_etl.research.inference.sums import DateSums, Sums
from mf_etl.research.models.views import View

HORIZON = 10
LEAST_DAYS = 16
"""Fewer bear no draws of whole dates."""

REPLICATIONS = 499
SHIFTS = 99
SHIFTED_TICKERS = 500
PIECE_ROWS = 1 << 20


@dataclass(frozen=True)
class Apart:
    """Largest less smallest mean outcome of the labels of a view and period.

    `lo` and `hi` are a 95 % interval by whole dates, `p_shifted` is the share of common shifts of the
    labels (and the data) that come as far: 0.05 and more is what chance gives. None where they
    cannot be told.
    """

    outcome: str
    value: float | None
    lo: float | None
    hi: float | None
    dates: int
    p_shifted: float | None
    shifts: int
    highest: int | None
    lowest: int | None


def separation_outcome(groups: Groups) -> tuple[str, NDArray[np.floating[Any]]]:
    """Name and values of the outcome that separation is told of; NaN where a row is not eligible."""
    labelled = groups.labelled
    known = labelled.prepared.columns
    for name in SEPARATION_OUTCOMES:
        if name not in known:
            continue
        values = labelled.outcome(name)
        if name == SEPARATION_OUTCOMES[0] and "eligible" in known:
            values[~labelled.column("eligible").astype(bool)] = np.nan
        if np.isfinite(values).any():
            break
    return name, values


def separations(
    groups: Groups, seed: int, *, with_intervals: bool = True
) -> tuple[dict[tuple[str, str], Apart], pl.DataFrame]:
    """By view and period; and for each group the mean outcome with its interval.

    The frame has `view`, `period`, the label, `outcome`, `rows` that have it, `mean`, `lo`, `hi`;
    without intervals, as of the cells of a sweep, the last two are null.
    """
    name, values = separation_outcome(groups)
    found: dict[tuple[str, str], Apart] = {}
    rows: list[dict[str, Any]] = []
    for view, period, _, inside in groups.sides():
        sums = _date_sums(groups, view, inside, values)
        told, states = _told(sums, with_intervals)
        shifted = _shifted(groups, view, inside, values, seed)
        found[view.name, period] = Apart(outcome=name, **told, **shifted)
        for label, state in enumerate(states):
            key = {"view": view.name, "period": period, groups.label_name: label}
            rows.append(key | {"outcome": name} | state)
    schema = {
        "view": pl.String,
        "period": pl.String,
        groups.label_name: pl.Int16,
        "outcome": pl.String,
        "rows": pl.Int64,
        **dict.fromkeys(("mean", "lo", "hi"), pl.Float64),
    }
    return found, pl.DataFrame(rows, schema=schema)


def _date_sums(
    groups: Groups, view: View, inside: NDArray[np.bool_], values: NDArray[np.floating[Any]]
) -> Sums:
    labelled, labels, days = (
        groups.labelled,
        groups.labelled.labels[view.name],
        groups.labelled.days,
    )
    used = inside & np.isfinite(values)
    sums = DateSums(np.unique(days[used]), labelled.states, ["outcome"])
    # A piece at a time: the same sums, and no helper values for every row.
    for start in range(0, len(used), PIECE_ROWS):
        piece = slice(start, start + PIECE_ROWS)
        mine = used[piece]
        sums.add(days[piece][mine], labels[piece][mine], {"outcome": values[piece][mine]})
    return sums.of("outcome")


def _told(
    sums: Sums, with_intervals: bool
) -> tuple[dict[str, Any], list[dict[str, float | int | None]]]:
    mean = sums.mean if len(sums.days) else np.full(sums.count.shape[1], np.nan)
    rows = sums.count.sum(axis=0).astype(np.int64)
    states: list[dict[str, float | int | None]] = [
        {"rows": int(n), "mean": _number(m), "lo": None, "hi": None}
        for n, m in zip(rows, mean, strict=True)
    ]
    value, highest, lowest = spread(mean)
    told: dict[str, Any] = {"value": value, "lo": None, "hi": None, "dates": len(sums.days)}
    told |= {"highest": highest, "lowest": lowest}
    if not with_intervals:
        return told, states
    # Blocks as long as a third of the days leave nothing to draw from.
    if len(sums.days) < LEAST_DAYS or block_length(sums.scores, HORIZON) * 3 > len(sums.days):
        return told, states
    draws = date_draws(sums, HORIZON, replications=REPLICATIONS)
    apart = separation(sums, draws)
    told |= {"value": apart.value, "lo": apart.lo, "hi": apart.hi}
    each = estimates(sums, draws)
    for state, lo, hi in zip(states, each.lo, each.hi, strict=True):
        state |= {"lo": _number(lo), "hi": _number(hi)}
    return told, states


def _shifted(
    groups: Groups,
    view: View,
    inside: NDArray[np.bool_],
    values: NDArray[np.floating[Any]],
    seed: int,
) -> dict[str, Any]:
    """The separation against common shifts of the labels, on a seeded part of the tickers."""
    labelled = groups.labelled
    names, _ = labelled.prepared.ticker_codes
    codes = labelled.ticker_codes
    present = np.zeros(len(names), dtype=bool)
    present[codes[inside]] = True
    found = {names[code]: code for code in np.flatnonzero(present)}
    is_chosen = np.zeros(len(names), dtype=bool)
    is_chosen[[found[name] for name in seeded_tickers(found, SHIFTED_TICKERS, seed)]] = True
    used = inside & is_chosen[codes]
    sequence = np.cumsum(labelled.is_start, dtype=np.int32)[used]
    paths = list(paths_of(sequence, labelled.labels[view.name][used], values[used]))
    longest = max((len(path.labels) for path in paths), default=0)
    shifts = common_shifts(longest, SHIFTS, seed)
    if not len(shifts):
        return {"p_shifted": None, "shifts": 0}
    shifted = shifted_labels(paths, labelled.states, shifts)
    return {"p_shifted": shifted.p, "shifts": len(shifts)}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
