"""Mean silhouette in compiled loops over tiles: exact, in little memory, the same at any threads."""

from __future__ import annotations

import numba
import numpy as np

from mf_etl.research.datasets.streaming import in_order

BLOCK_ROWS = 256
"""Rows whose distances to all later rows are one piece of work; part of the order of sums."""

TILE_ROWS = 64
"""Later rows that are looked at together: they stay in the nearest cache for a whole block."""


def mean_silhouette(x: np.ndarray, labels: np.ndarray, threads: int) -> float:
    """Mean over rows of (b − a) / max(a, b) (Rousseeuw 1987).

    a is the mean distance to the other rows of the row's own cluster, b the least mean distance to
    those of another; a row alone in its cluster counts 0. `x` is float64 of shape (rows, features),
    `labels` are integers of at least two values. Distances are Euclidean and each is computed once,
    from differences.
    """
    _, own, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(own, kind="stable")
    own, rows = own[order], np.ascontiguousarray(x[order])
    columns = np.ascontiguousarray(rows.T)
    bounds = np.concatenate(([0], np.cumsum(sizes)))

    def of_block(first: int) -> np.ndarray:
        sums = np.zeros((len(sizes), len(rows)))
        _add_distances(columns, rows, own, bounds, first, min(first + BLOCK_ROWS, len(rows)), sums)
        return sums

    sums = np.zeros((len(sizes), len(rows)))
    for found in in_order(of_block, range(0, len(rows), BLOCK_ROWS), threads):
        sums += found
    here = np.arange(len(rows))
    inside = sums[own, here] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes[:, None]
    means[own, here] = np.inf
    outside = means.min(axis=0)
    larger = np.maximum(inside, outside)
    scores = np.zeros(len(rows))
    defined = (sizes[own] > 1) & (larger > 0)
    np.divide(outside - inside, larger, out=scores, where=defined)
    return float(scores.mean())


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def _add_distances(
    columns: np.ndarray,
    rows: np.ndarray,
    own: np.ndarray,
    bounds: np.ndarray,
    first: int,
    last: int,
    sums: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """Add the distance of each row of a block and each later row to the sums of both."""
    features = columns.shape[0]
    later = np.zeros((features, TILE_ROWS))
    distance = np.empty(TILE_ROWS)
    for cluster in range(own[first], len(bounds) - 1):
        for tile in range(max(bounds[cluster], first + 1), bounds[cluster + 1], TILE_ROWS):
            width = min(TILE_ROWS, bounds[cluster + 1] - tile)
            for feature in range(features):
                for j in range(width):
                    later[feature, j] = columns[feature, tile + j]
            for i in range(first, min(last, tile + width - 1)):
                for j in range(TILE_ROWS):
                    distance[j] = 0.0
                for feature in range(features):
                    value = rows[i, feature]
                    for j in range(TILE_ROWS):
                        difference = later[feature, j] - value
                        distance[j] += difference * difference
                for j in range(TILE_ROWS):
                    distance[j] = np.sqrt(distance[j])
                total = 0.0
                mine = own[i]
                for j in range(max(0, i + 1 - tile), width):
                    total += distance[j]
                    sums[mine, tile + j] += distance[j]
                sums[cluster, i] += total
