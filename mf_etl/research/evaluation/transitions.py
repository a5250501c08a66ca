"""Steps from label to label, lengths of runs, starts of sequences, flow states of each label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf

from mf_etl.research.evaluation.groups import Groups
from mf_etl.research.models.canonical import NOISE

DWELL = {
    "count": pl.Int64,
    **dict.fromkeys(("mean", "median", "p10", "p90"), pl.Float64),
    "max": pl.Int64,
    "cut_off": pl.Int64,
    **dict.fromkeys(("km_mean", "km_median"), pl.Float64),
}


class Runs(NamedTuple):
    """Runs of one label within a sequence and period; shape (runs,) each."""

    labels: NDArray[np.int16]
    lengths: NDArray[np.int64]
    """In rows."""
    cut_off: NDArray[np.bool_]
    """The sequence or the period ends before the run does."""


def transition_counts(groups: Groups) -> pl.DataFrame:
    """Steps within sequences: `view`, `period` (of the later row), `from_state`, `to_0`, `to_1` …"""
    labelled = groups.labelled
    frames = []
    for view, period, in_sample, inside in groups.sides():
        labels = labelled.labels[view.name]
        step = inside[1:] & ~labelled.is_start[1:] & (labels[1:] != NOISE) & (labels[:-1] != NOISE)
        cell = labels[:-1][step].astype(np.int64) * labelled.states + labels[1:][step]
        counts = np.bincount(cell, minlength=labelled.states**2)
        counts = counts.reshape(labelled.states, labelled.states)
        frames.append(_square(view.name, period, in_sample, counts))
    return pl.concat(frames)


def dwell_stats(groups: Groups) -> pl.DataFrame:
    """Lengths in rows of the runs of each label, one row a view, period and label.

    `count`, `mean`, `median`, `p10`, `p90`, `max` are of runs seen to their end. A run that the end
    of its sequence or period cut off is counted in `cut_off` and enters `km_mean` and `km_median`
    (Kaplan and Meier 1958; the mean is restricted to the longest run). Runs that a sequence or period
    begins with may have begun before.
    """
    rows = []
    for view, period, in_sample, _ in groups.sides():
        runs = period_runs(groups, view.name, period)
        for label in range(groups.labelled.states):
            mine = runs.labels == label
            whole = runs.lengths[mine & ~runs.cut_off]
            cut = runs.lengths[mine & runs.cut_off]
            key = {"view": view.name, "period": period, "in_sample": in_sample}
            rows.append(key | {groups.label_name: label} | _dwell(whole, cut))
    return pl.DataFrame(rows, schema={**groups.keys().schema, **DWELL})


def dwell_lengths(groups: Groups) -> pl.DataFrame:
    """How many runs of each label have each length in rows: seen to their end, and cut off."""
    found = []
    for view, period, in_sample, _ in groups.sides():
        runs = period_runs(groups, view.name, period)
        counted = pl.DataFrame(
            {groups.label_name: runs.labels, "length": runs.lengths, "cut": runs.cut_off}
        )
        found.append(
            counted.group_by(groups.label_name, "length")
            .agg(
                count=(~pl.col("cut")).sum().cast(pl.Int64),
                cut_off=pl.col("cut").sum().cast(pl.Int64),
            )
            .sort(groups.label_name, "length")
            .select(
                pl.lit(view.name).alias("view"),
                pl.lit(period).alias("period"),
                pl.lit(in_sample).alias("in_sample"),
                pl.all(),
            )
        )
    return pl.concat(found)


def period_runs(groups: Groups, view: str, period: str) -> Runs:
    """The runs of a view in a period; noise is no run."""
    labelled = groups.labelled
    inside = next(rows for v, p, _, rows in groups.sides() if (v.name, p) == (view, period))
    rows = np.flatnonzero(inside)
    labels = labelled.labels[view][rows]
    new_stretch = labelled.is_start[rows] | (np.diff(rows, prepend=-2) != 1)
    begins = new_stretch | (np.diff(labels, prepend=labels[:1]) != 0)
    first = np.flatnonzero(begins)
    ends = np.append(first[1:], len(rows))
    cut_off = np.append(new_stretch[first[1:]], True)[: len(first)]
    found = Runs(labels[first], ends - first, cut_off)
    kept = found.labels != NOISE
    return Runs(*(values[kept] for values in found))


def start_distribution(groups: Groups, probability: pl.DataFrame | None) -> pl.DataFrame:
    """Sequences by the label that they begin with, and the model's probability where it has one."""
    labelled = groups.labelled
    rows = []
    for view, period, in_sample, inside in groups.sides():
        labels = labelled.labels[view.name][inside & labelled.is_start]
        counts = np.bincount(labels[labels != NOISE], minlength=labelled.states)
        for label, count in enumerate(counts.tolist()):
            key = {"view": view.name, "period": period, "in_sample": in_sample}
            share = count / max(1, int(counts.sum()))
            rows.append(key | {groups.label_name: label, "sequences": count, "share": share})
    schema = groups.keys().schema | {"sequences": pl.Int64, "share": pl.Float64}
    table = pl.DataFrame(rows, schema=schema)
    if probability is None:
        return table
    cast = probability.with_columns(pl.col(groups.label_name).cast(schema[groups.label_name]))
    return table.join(cast, on=groups.label_name, how="left", maintain_order="left")


def flow_states(groups: Groups) -> pl.DataFrame:
    """Rows of each label and `flow_state_code`, with shares of both; pairs without rows left out."""
    codes = groups.labelled.column("flow_state_code")
    known = np.isfinite(codes)
    states = np.where(known, codes, 0).astype(np.int64)
    first = int(states.min(initial=0))
    width = int(states.max(initial=0)) - first + 1
    ordered, there = groups.ordered(states - first), groups.ordered(known)
    rows: list[dict[str, Any]] = []
    for group, key in zip(groups.every, groups.keys().to_dicts(), strict=True):
        name = group.view.name
        mine = ordered[name][group.rows][there[name][group.rows]]
        counts = np.bincount(mine, minlength=width).tolist()
        rows += [
            key | {"flow_state_code": code + first, "rows": count}
            for code, count in enumerate(counts)
            if count
        ]
    schema = groups.keys().schema | {"flow_state_code": pl.Int8, "rows": pl.Int64}
    side = ["view", "period"]
    return pl.DataFrame(rows, schema=schema).with_columns(
        share_of_label=pl.col("rows") / pl.col("rows").sum().over(*side, groups.label_name),
        share_of_flow_state=pl.col("rows") / pl.col("rows").sum().over(*side, "flow_state_code"),
    )


def _square(view: str, period: str, in_sample: bool, counts: NDArray[np.int64]) -> pl.DataFrame:
    states = len(counts)
    return pl.DataFrame(
        {
            "view": [view] * states,
            "period": [period] * states,
            "in_sample": [in_sample] * states,
            "from_state": np.arange(states, dtype=np.int16),
            **{f"to_{label}": counts[:, label] for label in range(states)},
        }
    )


def _dwell(whole: NDArray[np.int64], cut: NDArray[np.int64]) -> dict[str, float | int | None]:
    seen: list[float | None] = [None] * 4
    if len(whole):
        seen = [float(whole.mean()), *(float(q) for q in np.percentile(whole, (50, 10, 90)))]
    mean, median = kaplan_meier(whole, cut)
    return {
        "count": len(whole),
        **dict(zip(("mean", "median", "p10", "p90"), seen, strict=True)),
        "max": int(whole.max()) if len(whole) else None,
        "cut_off": len(cut),
        "km_mean": mean,
        "km_median": median,
    }


def kaplan_meier(
    whole: NDArray[np.int64], cut: NDArray[np.int64]
) -> tuple[float | None, float | None]:
    """Restricted mean and median length from runs seen to their end and runs cut off.

    The mean is the area under the survival function up to the longest run; the median is the first
    length that at most half outlast, None if more than half do.
    """
    if not len(whole):
        return None, None
    survival = ecdf(CensoredData(uncensored=whole, right=cut)).sf
    lengths, outlast = survival.quantiles, survival.probabilities
    until = max(int(whole.max()), int(cut.max(initial=0)))
    steps = np.diff(np.concatenate(([0.0], lengths, [until])))
    mean = float((np.concatenate(([1.0], outlast)) * steps).sum())
    half = np.flatnonzero(outlast <= 0.5)
    return mean, float(lengths[half[0]]) if len(half) else None


def finished_lengths(groups: Groups, view: str, period: str) -> Iterator[NDArray[np.int64]]:
    """Lengths of the runs of each label that were seen to their end."""
    runs = period_runs(groups, view, period)
    for label in range(groups.labelled.states):
        yield runs.lengths[(runs.labels == label) & ~runs.cut_off]
