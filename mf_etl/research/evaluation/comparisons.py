"""States against flow states and clusters, fits against each other, and a run's robustness."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.evaluation.contingency import (
    adjusted_rand_index,
    labels_ari,
    normalized_mutual_information,
)
from mf_etl.research.evaluation.state_profiles import (
    LARGEST_SHARE,
    LEAST_MEAN_ARI,
    LEAST_SEPARATION,
    SEPARATION_OUTCOME,
)
from mf_etl.research.models.hmm.canonical import match_states

JOINED_ROWS = 2**20
"""Rows of an HMM run that are joined to a clustering run at a time."""


def crosstab(decoded: pl.LazyFrame, column: str) -> pl.DataFrame:
    """Rows of each Viterbi state and value of `column`, with shares of the state and the value.

    Rows where `column` is null are left out.
    """
    counts = decoded.select("hmm_state", column).drop_nulls().group_by("hmm_state", column)
    return _with_shares(counts.agg(rows=pl.len()).collect(), column)


def _with_shares(counts: pl.DataFrame, column: str) -> pl.DataFrame:
    return counts.sort("hmm_state", column).with_columns(
        share_of_state=pl.col("rows") / pl.col("rows").sum().over("hmm_state"),
        share_of_value=pl.col("rows") / pl.col("rows").sum().over(column),
    )


def cluster_comparison(
    decoded: pl.LazyFrame, clusters: pl.LazyFrame
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Crosstab of Viterbi states and cluster ids on the rows both have, with ARI and NMI.

    `clusters` has cluster_id (−1 is noise and counts as a cluster of its own) and the keys ticker
    and trade_date, and exchange where both tables have it. Tickers are joined about
    `JOINED_ROWS` rows at a time, so memory does not grow with their number. Raises `ResearchError`
    if no row is in both.
    """
    shared = set(decoded.collect_schema().names()) & set(clusters.collect_schema().names())
    keys = [name for name in ("ticker", "exchange", "trade_date") if name in shared]
    labels = ["hmm_state", "cluster_id"]
    parts = []
    for first, last in _ticker_ranges(decoded):
        inside = pl.col("ticker").is_between(pl.lit(first), pl.lit(last))
        states = decoded.filter(inside).select(*keys, labels[0])
        both = states.join(clusters.filter(inside).select(*keys, labels[1]), on=keys, how="inner")
        parts.append(both.group_by(labels).agg(rows=pl.len()).collect())
    counts = pl.concat(parts).drop_nulls().group_by(labels).agg(pl.col("rows").sum())
    table = _with_shares(counts, "cluster_id")
    if table.is_empty():
        raise ResearchError("the clustering run has no row of this HMM run; choose another run")
    wide = table.pivot("cluster_id", index="hmm_state", values="rows").fill_null(0)
    matrix = wide.drop("hmm_state").to_numpy()
    return table, {
        "rows": int(matrix.sum()),
        "ari": adjusted_rand_index(matrix),
        "nmi": normalized_mutual_information(matrix),
    }


def _ticker_ranges(rows: pl.LazyFrame) -> Iterator[tuple[str, str]]:
    """First and last ticker of each run of neighbours that fills about `JOINED_ROWS` rows."""
    counts = rows.group_by("ticker").agg(rows=pl.len()).sort("ticker").collect()
    numbered = counts.with_columns(pl.col("rows").cum_sum() // JOINED_ROWS)
    for part in numbered.partition_by("rows", maintain_order=True):
        yield part.item(0, "ticker"), part.item(-1, "ticker")


def pairwise_ari(labels: Sequence[np.ndarray]) -> np.ndarray:
    """Adjusted Rand index of every two fits' labels of the same rows; 1 on the diagonal."""
    result = np.eye(len(labels))
    for a, b in itertools.combinations(range(len(labels)), 2):
        result[a, b] = result[b, a] = labels_ari(labels[a], labels[b])
    return result


def seed_table(
    records: Sequence[dict[str, Any]],
    canonical_values: Sequence[np.ndarray],
    means: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
) -> pl.DataFrame:
    """One row a seed and state, states matched to those of the first seed.

    For each seed: its record (seed, log_likelihood_per_row, converged, iterations), the mean
    delta_flow_20 of its states (ascending), their emission means, and the labels of all rows.
    """
    rows = []
    for record, values, centres, labelled in zip(
        records, canonical_values, means, labels, strict=True
    ):
        matching = match_states(canonical_values[0], means[0], values, centres)
        share = np.bincount(labelled, minlength=len(values)) / len(labelled)
        for state, matched in enumerate(matching.states.tolist()):
            rows.append(
                {
                    **record,
                    "hmm_state": state,
                    "state_of_seed": matched,
                    "matched_by": matching.method,
                    "share": float(share[matched]),
                    "delta_flow_20_mean": float(values[matched]),
                    "distance_to_first_seed": float(
                        np.sqrt(((centres[matched] - means[0][state]) ** 2).sum())
                    ),
                }
            )
    return pl.DataFrame(rows)


def stability_summary(ari: np.ndarray, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How much the fits of several seeds agree; the mean is over pairs of different seeds."""
    pairs = ari[np.triu_indices(len(ari), 1)]
    likelihoods = [record["log_likelihood_per_row"] for record in records]
    return {
        "seeds": len(records),
        "converged": sum(bool(record["converged"]) for record in records),
        "mean_ari": float(pairs.mean()) if len(pairs) else None,
        "min_ari": float(pairs.min()) if len(pairs) else None,
        "log_likelihood_per_row": {"lowest": min(likelihoods), "highest": max(likelihoods)},
    }


def robustness_summary(
    profile: pl.DataFrame, fit: dict[str, Any], *, mean_ari: float | None = None
) -> dict[str, Any]:
    """Shares and forward separation in both views, with a note for each threshold passed.

    Forward separation is the highest less the lowest mean `SEPARATION_OUTCOME` of a state. `fit` is
    what `fit.fit_report` gave; `mean_ari` comes from a stability study.
    """
    views = {}
    notes = []
    for (view,), part in profile.partition_by("view", maintain_order=True, as_dict=True).items():
        share = part.get_column("share").fill_null(0.0).to_numpy()
        outcome = part.get_column(f"{SEPARATION_OUTCOME}_mean").drop_nulls()
        separation = float(outcome.max() - outcome.min()) if len(outcome) else None
        views[view] = {
            "largest_share": float(share.max()),
            "effective_states": float(1.0 / (share**2).sum()) if share.any() else None,
            "forward_separation": separation,
        }
        if share.max() > LARGEST_SHARE:
            notes.append(f"{view}: one state has {share.max():.2f} of the rows (> {LARGEST_SHARE})")
        if separation is not None and separation < LEAST_SEPARATION:
            notes.append(
                f"{view}: mean {SEPARATION_OUTCOME} of states differs by {separation:.4f} at most "
                f"(< {LEAST_SEPARATION})"
            )
    if mean_ari is not None and mean_ari < LEAST_MEAN_ARI:
        notes.append(
            f"fits of several seeds agree little: mean ARI {mean_ari:.2f} (< {LEAST_MEAN_ARI:.2f})"
        )
    if not fit["converged"]:
        notes.append(f"the fit stopped after {fit['iterations']} iterations without converging")
    notes += [record["error"] for record in fit["restarts"] if record["error"]]
    for state in fit["degenerate_states"]:
        notes.append(f"state {state['hmm_state']} is degenerate: {'; '.join(state['reasons'])}")
    return {"views": views, "mean_ari": mean_ari, "notes": notes}
