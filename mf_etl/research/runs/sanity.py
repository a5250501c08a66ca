"""A short account of a finished run, and what is wrong with its aggregates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import OUTCOMES
from mf_etl.research.runs.catalog import CLUSTERING_RUN, HMM_RUN

FORWARD_RETURN = "fwd_ret_10"
STATISTICS = ("mean", "median", "std", "p10", "p90", "hit_rate")


def clustering_sanity(run_dir: Path) -> tuple[list[str], list[str]]:
    """Lines about a clustering run, and its problems: aggregates that are null where n > 0.

    Raises `ResearchError` if a file of the run is missing.
    """
    summary = _json(run_dir, CLUSTERING_RUN["run_summary"])
    profile = _table(run_dir, CLUSTERING_RUN["cluster_profile"])
    states = _table(run_dir, CLUSTERING_RUN["cluster_state_distribution"])
    told = [
        f"{summary['method']} of {summary['rows']:,} rows, {summary['tickers']} tickers: "
        f"{summary['clusters_found']} clusters, silhouette {_number(summary['silhouette'])}",
        *_groups(profile, "cluster_id"),
        *_overlap(states, "cluster_id", "share_of_cluster"),
        *_notes(summary),
    ]
    return told, list(_nulls(profile, ["cluster_id"], summary["features"]))


def hmm_sanity(run_dir: Path) -> tuple[list[str], list[str]]:
    """Lines about an HMM run, and its problems: aggregates that are null where n > 0.

    Raises `ResearchError` if a file of the run is missing.
    """
    summary = _json(run_dir, HMM_RUN["run_summary"])
    profile = _table(run_dir, HMM_RUN["hmm_state_profile"])
    states = _table(run_dir, HMM_RUN["flow_state_crosstab"])
    transitions = _table(run_dir, HMM_RUN["transition_matrix"])
    stays = [transitions[f"to_{state}"][state] for state in range(transitions.height)]
    likelihood = summary["log_likelihood_per_row"]
    told = [
        f"HMM of {summary['rows']:,} rows, {summary['tickers']} tickers: {summary['states']} states, "
        f"log-likelihood a row {_number(likelihood['train'])} (train), {_number(likelihood['test'])} "
        f"(test), {'converged' if summary['converged'] else 'NOT converged'}",
        "probability to stay: " + ", ".join(f"{i}: {p:.3f}" for i, p in enumerate(stays)),
    ]
    for (view,), part in profile.group_by("view", maintain_order=True):
        told.append(f"by {view} state:")
        told += _groups(part, "hmm_state")
    told += [*_overlap(states, "hmm_state", "share_of_state"), *_notes(summary)]
    return told, list(_nulls(profile, ["view", "hmm_state"], ()))


def _groups(profile: pl.DataFrame, name: str) -> Iterator[str]:
    """Every cluster or state, from the highest mean forward return down."""
    mean = f"{FORWARD_RETURN}_mean"
    for row in profile.sort(mean, descending=True, nulls_last=True).to_dicts():
        yield (
            f"  {name} {row[name]}: {row['rows']:,} rows ({row['share']:.1%}), {FORWARD_RETURN} mean "
            f"{_number(row[mean])}, hit rate {_number(row[f'{FORWARD_RETURN}_hit_rate'])}"
        )


def _overlap(states: pl.DataFrame, name: str, share: str) -> Iterator[str]:
    """The flow state that most rows of each cluster or state are in."""
    top = states.sort(name, share, descending=[False, True]).group_by(name, maintain_order=True)
    parts = [
        f"{row[name]}: flow state {row['flow_state_code']} ({row[share]:.0%})"
        for row in top.first().to_dicts()
    ]
    yield "most rows are in: " + ", ".join(parts)


def _notes(summary: dict[str, Any]) -> Iterator[str]:
    for note in summary["notes"]:
        yield f"note: {note}"


def _nulls(profile: pl.DataFrame, keys: list[str], features: Sequence[str]) -> Iterator[str]:
    for row in profile.to_dicts():
        place = " ".join(f"{key} {row[key]}" for key in keys)
        names = [f"{o}_{s}" for o in OUTCOMES for s in STATISTICS if row.get(f"{o}_n", 0) > 0]
        if row["rows"] > 0:
            names += [f"{feature}_{s}" for feature in features for s in ("mean", "std")]
        for name in names:
            value = row.get(name)
            if value is None or value != value:
                yield f"{place}: {name} is {'null' if value is None else 'NaN'}"


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
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


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"
