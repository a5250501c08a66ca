"""Steps from label to label, lengths of runs, starts of sequences, flow states of each label."""

from __future__ import annotations

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
LENGTHS = {"length": pl.Int64, "count": pl.Int64, "cut_off": pl.Int64}


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


def dwell_lengths(groups: Groups) -> pl.DataFrame:
    """How many runs of each label have each length in rows: seen to their end, and cut off.

    Columns `view`, `period`, `in_sample`, the label, `length`, `count`, `cut_off`. Runs that a sequence
    or period begins with may have begun before.
    """
    found = []
    for view, period, in_sample, inside in groups.sides():
        runs = runs_within(groups, view.name, inside)
        width = int(runs.lengths.max(initial=0)) + 1
        cell = runs.labels.astype(np.int64) * width + runs.lengths
        size = groups.labelled.states * width
        count = np.bincount(cell[~runs.cut_off], minlength=size)
        cut_off = np.bincount(cell[runs.cut_off], minlength=size)
        there = np.flatnonzero(count + cut_off)
        found.append(
            pl.DataFrame(
                {
                    "view": [view.name] * len(there),
                    "period": [period] * len(there),
                    "in_sample": [in_sample] * len(there),
                    groups.label_name: (there // width).astype(np.int16),
                    "length": there % width,
                    "count": count[there],
                    "cut_off": cut_off[there],
                },
                schema={**groups.keys().schema, **LENGTHS},
            )
        )
    return pl.concat(found)


def dwell_stats(groups: Groups, lengths: pl.DataFrame) -> pl.DataFrame:
    """Lengths in rows of the runs of each label, one row a view, period and label.

    `lengths` is what `dwell_lengths` gives. `count`, `mean`, `median`, `p10`, `p90`, `max` are of runs
    seen to their end. A run that the end of its sequence or period cut off is counted in `cut_off` and
    enters `km_mean` and `km_median` (Kaplan and Meier 1958; the mean is restricted to the longest run).
    """
    rows = []
    for view, period, in_sample, _ in groups.sides():
        side = lengths.filter(view=view.name, period=period)
        for label in range(groups.labelled.states):
            mine = side.filter(pl.col(groups.label_name) == label)
            key = {"view": view.name, "period": period, "in_sample": in_sample}
            found = _dwell(run_lengths(mine, "count"), run_lengths(mine, "cut_off"))
            rows.append(key | {groups.label_name: label} | found)
    return pl.DataFrame(rows, schema={**groups.keys().schema, **DWELL})


def run_lengths(lengths: pl.DataFrame, counted: str) -> NDArray[np.int64]:
    """The length of every run of a part of `dwell_lengths`, ascending: by `count` or `cut_off`."""
    number = lengths.get_column(counted).to_numpy()
    return np.repeat(lengths.get_column("length").to_numpy(), number)


def runs_within(groups: Groups, view: str, inside: NDArray[np.bool_]) -> Runs:
    """The runs of a view among rows of one period, a bool a row; noise is no run."""
    labelled = groups.labelled
    labels, is_start = labelled.labels[view], labelled.is_start
    edges = inside.copy()
    edges[1:] &= is_start[1:] | (labels[1:] != labels[:-1]) | ~inside[:-1]
    edges[1:] |= inside[:-1] & ~inside[1:]
    at = np.flatnonzero(edges)
    ends = np.append(at[1:], len(labels))
    over = np.ones(len(at), dtype=bool)
    over[:-1] = is_start[at[1:]] | ~inside[at[1:]]
    kept = inside[at] & (labels[at] != NOISE)
    return Runs(labels[at[kept]], (ends - at)[kept], over[kept])


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
    there = codes[known] if known.any() else np.zeros(1)
    first, last = int(there.min()), int(there.max())
    places = np.where(known, codes - first, -1).astype(np.int16)
    rows: list[dict[str, Any]] = []
    counts = groups.counts(places, last - first + 1)
    for (_, found), key in zip(counts, groups.keys().to_dicts(), strict=True):
        rows += [
            key | {"flow_state_code": code + first, "rows": count}
            for code, count in enumerate(found.tolist())
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
