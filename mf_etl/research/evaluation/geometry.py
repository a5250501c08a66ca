"""How far apart clusters are, and how far two clusterings agree. Noise (−1) is in no cluster."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from mf_etl.research.counted import counted
from mf_etl.research.evaluation.silhouette import mean_silhouette
from mf_etl.research.labels.labelled import LabelledRows
from mf_etl.research.models.canonical import NOISE
from mf_etl.research.preparation.blocks import MatrixRows, added
from mf_etl.research.preparation.prepared import Prepared


def geometry(
    prepared: Prepared, labelled: LabelledRows, *, silhouette_rows: int, seed: int, threads: int
) -> dict[str, Any]:
    """`cluster_metrics` of the rows fitted on (``fit``) and of those held out (``test``).

    By the first view, of labelled rows.
    """
    labels = np.full(prepared.rows, NOISE, dtype=np.int16)
    rows = labelled.sequences.row_numbers()
    labels[rows] = next(iter(labelled.labels.values()))
    is_labelled = np.zeros(prepared.rows, dtype=bool)
    is_labelled[rows] = True
    sides = {"fit": is_labelled & prepared.is_fit, "test": is_labelled & prepared.held_out}
    return {
        side: cluster_metrics(
            MatrixRows(prepared.matrix, chosen),
            labels[chosen],
            silhouette_rows=silhouette_rows,
            seed=seed,
            threads=threads,
        )
        for side, chosen in sides.items()
        if chosen.any() or side == "fit"
    }


def cluster_metrics(
    rows: MatrixRows, labels: np.ndarray, *, silhouette_rows: int, seed: int, threads: int
) -> dict[str, Any]:
    """Rows, clusters found, noise share, silhouette, Davies–Bouldin and Calinski–Harabasz.

    `labels` (int16) has one entry for each of `rows`. The last three are None where they are not
    defined: fewer than two clusters, or no more rows than clusters.
    """
    counts = counted(labels, int(labels.max(initial=-1)) + 1)
    return {
        "rows": rows.rows,
        "clusters_found": int(np.count_nonzero(counts)),
        "noise_share": 1 - int(counts.sum()) / rows.rows,
        **silhouette(rows, labels, max_rows=silhouette_rows, seed=seed, threads=threads),
        **separation(rows, labels, threads),
    }


def silhouette(
    rows: MatrixRows, labels: np.ndarray, *, max_rows: int, seed: int, threads: int = 1
) -> dict[str, Any]:
    """Mean silhouette of a seeded sample of at most `max_rows` clustered rows."""
    clustered = MatrixRows(rows.matrix, _also(rows, labels >= 0))
    numbers = clustered.sample(max_rows, seed)
    own = labels[labels >= 0][numbers]
    value = None
    if 2 <= len(np.unique(own)) < len(own):
        value = mean_silhouette(clustered.take(numbers), own, threads)
    return {"silhouette": value, "silhouette_rows": len(own)}


def separation(rows: MatrixRows, labels: np.ndarray, threads: int) -> dict[str, float | None]:
    """Davies–Bouldin (1979; lower is better) and Calinski–Harabasz (1974; higher is better).

    Exact, in two passes over all clustered rows: means, then distances from them.
    """
    clusters = int(labels.max(initial=-1)) + 1
    one = partial(_sums, rows, labels, clusters)
    counts, sums = map(added, zip(*rows.each(one, threads), strict=True))
    found = np.flatnonzero(counts)
    total = int(counts.sum())
    if not 2 <= len(found) < total:
        return {"davies_bouldin": None, "calinski_harabasz": None}
    mean = sums.sum(axis=0) / total
    means = sums / np.maximum(counts, 1)[:, None]
    one = partial(_distances, rows, labels, means)
    distances, squares = map(added, zip(*rows.each(one, threads), strict=True))
    within = float(squares.sum())
    between = float((counts[:, None] * np.square(means - mean))[found].sum())
    ratio = between * (total - len(found)) / (within * (len(found) - 1)) if within else 1.0
    return {
        "davies_bouldin": _davies_bouldin(distances[found] / counts[found], means[found]),
        "calinski_harabasz": ratio,
    }


def _also(rows: MatrixRows, kept: np.ndarray) -> np.ndarray:
    """Of the chosen rows, those that are kept, as a bool a matrix row."""
    if rows.chosen is None:
        return kept
    chosen = rows.chosen.copy()
    chosen[chosen] = kept
    return chosen


def _members(own: np.ndarray, clusters: int) -> np.ndarray:
    """1 where a row is in a cluster: shape (clusters, rows)."""
    return np.asarray(own == np.arange(clusters)[:, None], dtype=np.float64)


def _sums(
    rows: MatrixRows, labels: np.ndarray, clusters: int, number: int
) -> tuple[np.ndarray, np.ndarray]:
    own = labels[rows.span(number)]
    sums = np.zeros((clusters, rows.features))
    for inside, x in rows.chunks(number):
        sums += _members(own[inside], clusters) @ x
    return np.bincount(own[own >= 0], minlength=clusters), sums


def _distances(
    rows: MatrixRows, labels: np.ndarray, means: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """By cluster, the sums of distances from its mean and of their squares."""
    own = labels[rows.span(number)]
    distances, squares = np.zeros(len(means)), np.zeros(len(means))
    for inside, x in rows.chunks(number):
        # Noise has no mean and is counted in no cluster.
        square = np.square(x - means[own[inside]]).sum(axis=1)
        members = _members(own[inside], len(means))
        distances += members @ np.sqrt(square)
        squares += members @ square
    return distances, squares


def _davies_bouldin(spread: np.ndarray, means: np.ndarray) -> float:
    apart = cdist(means, means)
    if np.allclose(spread, 0) or np.allclose(apart, 0):
        return 0.0
    apart[apart == 0] = np.inf
    return float(((spread[:, None] + spread) / apart).max(axis=1).mean())
