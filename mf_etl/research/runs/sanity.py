"""A short account of a finished run, whatever its model, and what is wrong with its aggregates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import OUTCOME_STATISTICS, OUTCOMES, SEPARATION_OUTCOMES
from mf_etl.research.runs.catalog import RUN
from mf_etl.research.runs.tables import number

_SIDE = ("view", "period")


def run_sanity(run_dir: Path, research: str) -> tuple[list[str], list[str]]:
    """Lines about a run of `clustering` or `hmm`, and its problems: aggregates that are null.

    Raises `ResearchError` if a file of the run is missing.
    """
    files = RUN[research]
    summary = _json(run_dir, files["run_summary"])
    profile = _table(run_dir, files["profile"])
    label = {"clustering": "cluster_id", "hmm": "hmm_state"}[research]
    told = [
        f"{summary['method']} of {summary['rows']:,} rows, {summary['tickers']} tickers: "
        f"{summary['states']} labels{_quality(summary)}",
        *_stays(_table(run_dir, files["transition_counts"])),
    ]
    for (view, period), part in profile.group_by(*_SIDE, maintain_order=True):
        in_sample = " (in-sample: fitted on)" if part["in_sample"][0] else ""
        told.append(f"by {view} label, {period}{in_sample}:")
        told += _labels(part, label)
    states = _table(run_dir, files["flow_states"])
    told += [*_overlap(states, label), *(f"note: {note}" for note in summary["notes"])]
    told.append(summary["account"])
    return told, list(_nulls(profile, label))


def _quality(summary: dict[str, Any]) -> str:
    parts = []
    if "silhouette" in summary:
        parts.append(f"silhouette {number(summary['silhouette'])}")
    if isinstance(likelihood := summary.get("log_likelihood_per_row"), dict):
        parts.append(
            f"log-likelihood a row {number(likelihood['train'])} (train), "
            f"{number(likelihood['test'])} (test)"
        )
    return "".join(f", {part}" for part in parts)


def _stays(counts: pl.DataFrame) -> Iterator[str]:
    """Share of steps that stay, by view and period."""
    for (view, period), part in counts.group_by(*_SIDE, maintain_order=True):
        steps = part.select(pl.col("^to_.*$")).to_numpy().astype(np.float64)
        total = np.maximum(steps.sum(axis=1), 1.0)
        stays = ", ".join(f"{i}: {p:.3f}" for i, p in enumerate(steps.diagonal() / total))
        yield f"probability to stay ({view}, {period}): {stays}"


def _labels(profile: pl.DataFrame, label: str) -> Iterator[str]:
    """Every label, from the highest mean forward return down."""
    names = [name for name in SEPARATION_OUTCOMES if f"{name}_mean" in profile.columns]
    name = next((n for n in names if profile[f"{n}_mean"].count()), names[-1])
    mean = f"{name}_mean"
    for row in profile.sort(mean, descending=True, nulls_last=True).to_dicts():
        yield (
            f"  {label} {row[label]}: {row['rows']:,} rows ({row['share']:.1%}), {name} mean "
            f"{number(row[mean])}, hit rate {number(row[f'{name}_hit_rate'])}"
        )


def _overlap(states: pl.DataFrame, label: str) -> Iterator[str]:
    """The flow state that most rows of each label are in, by the first view."""
    mine = states.filter(pl.col("view") == pl.col("view").first())
    rows = mine.group_by(label, "flow_state_code").agg(pl.sum("rows"))
    shares = rows.with_columns(share=pl.col("rows") / pl.col("rows").sum().over(label))
    order = [label, "share", "flow_state_code"]
    top = shares.sort(order, descending=[False, True, False]).group_by(label, maintain_order=True)
    parts = [
        f"{row[label]}: flow state {row['flow_state_code']} ({row['share']:.0%})"
        for row in top.first().to_dicts()
    ]
    yield "most rows are in: " + ", ".join(parts)


def _nulls(profile: pl.DataFrame, label: str) -> Iterator[str]:
    features = [
        name.removesuffix("_std")
        for name in profile.columns
        if name.endswith("_std") and not name.startswith("fwd_")
    ]
    for row in profile.to_dicts():
        place = " ".join(f"{key} {row[key]}" for key in (*_SIDE, label))
        names = [f"{o}_{s}" for o in OUTCOMES for s in OUTCOME_STATISTICS if row.get(f"{o}_n")]
        if row["rows"] > 0:
            names += [f"{feature}_{s}" for feature in features for s in ("mean", "std")]
        for name in names:
            value = row.get(name)
            if value is None or value != value:
                yield f"{place}: {name} is {'null' if value is None else 'NaN'}"


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError) as error:
        raise ResearchError(_unreadable(folder, name, error)) from None


def _table(folder: Path, name: str) -> pl.DataFrame:
    read = pl.read_csv if name.endswith(".csv") else pl.read_parquet
    try:
        return read(folder / name)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResearchError(_unreadable(folder, name, error)) from None


def _unreadable(folder: Path, name: str, error: Exception) -> str:
    reason = "is not there" if isinstance(error, FileNotFoundError) else str(error).splitlines()[0]
    return f"{folder / name}: {reason}; is {folder} the folder of a finished run?"
