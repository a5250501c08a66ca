"""How far a clustering can be trusted: a few numbers, and plain notes where they are poor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.models.hdbscan.density import NOISE

LEAST_SILHOUETTE = 0.10
LARGEST_SHARE = 0.70
LEAST_SEPARATION = 0.002
LEAST_ARI = 0.50
THRESHOLDS = {
    "silhouette_at_least": LEAST_SILHOUETTE,
    "largest_share_at_most": LARGEST_SHARE,
    "forward_separation_at_least": LEAST_SEPARATION,
    "mean_ari_at_least": LEAST_ARI,
}
FORWARD_RETURN = "fwd_ret_10"


def robustness_summary(
    profiles: Mapping[str, pl.DataFrame], silhouette: float | None, mean_ari: float | None = None
) -> dict[str, Any]:
    """Balance and forward separation of each profile, thresholds, and notes on the first profile.

    `profiles` is what `cluster_profiles` gives. `mean_ari` comes from a stability study and is None
    for a single run.
    """
    sides = {side: side_summary(profile) for side, profile in profiles.items()}
    first = next(iter(sides.values()))
    numbers = {"silhouette": silhouette, **first, "mean_ari": mean_ari}
    return {
        **numbers,
        "by_side": sides,
        "forward_rank_correlation": _rank_correlation(profiles.get("train"), profiles.get("test")),
        "thresholds": THRESHOLDS,
        "notes": _notes(numbers),
    }


def side_summary(profile: pl.DataFrame) -> dict[str, float | None]:
    """Largest share, effective number of clusters, and forward separation of one profile.

    Shares are of the rows in a cluster. Effective clusters = 1/Σ share² (the inverse of Simpson's
    index, 1949); forward separation = largest − smallest mean fwd_ret_10 (fraction), None with
    fewer than two clusters that have one.
    """
    clusters = profile.filter((pl.col("cluster_id") != NOISE) & (pl.col("rows") > 0))
    if not clusters.height:
        return {"largest_share": None, "effective_clusters": None, "forward_separation": None}
    rows = clusters.get_column("rows").to_numpy()
    shares = rows / rows.sum()
    means = clusters.get_column(f"{FORWARD_RETURN}_mean").drop_nulls()
    apart = float(means.max() - means.min()) if len(means) > 1 else None
    return {
        "largest_share": float(shares.max()),
        "effective_clusters": float(1 / np.square(shares).sum()),
        "forward_separation": apart,
    }


def _rank_correlation(train: pl.DataFrame | None, test: pl.DataFrame | None) -> float | None:
    """Spearman's correlation of the clusters' mean forward returns in train and test."""
    if train is None or test is None:
        return None
    mean = f"{FORWARD_RETURN}_mean"
    both = train.join(test, on="cluster_id", suffix="_test").filter(pl.col("cluster_id") != NOISE)
    both = both.select(mean, f"{mean}_test").drop_nulls()
    if both.height < 3:
        return None
    one, other = (column.rank().to_numpy() for column in both.get_columns())
    if not (np.ptp(one) and np.ptp(other)):
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _notes(numbers: Mapping[str, float | None]) -> list[str]:
    said = {
        "silhouette": (lambda x: x < LEAST_SILHOUETTE, LEAST_SILHOUETTE, "below", "overlap"),
        "largest_share": (lambda x: x > LARGEST_SHARE, LARGEST_SHARE, "above", "are unbalanced"),
        "forward_separation": (
            lambda x: x < LEAST_SEPARATION, LEAST_SEPARATION, "below", "differ little in what follows",
        ),
        "mean_ari": (lambda x: x < LEAST_ARI, LEAST_ARI, "below", "change with the seed"),
    }  # fmt: skip
    return [
        f"{name} {value:.4g} is {side} {threshold:g}: clusters {meaning}"
        for name, (poor, threshold, side, meaning) in said.items()
        if (value := numbers[name]) is not None and poor(value)
    ]
