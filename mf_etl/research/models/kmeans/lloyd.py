"""K-means by Lloyd's algorithm on a memory map: scikit-learn's results, the same at any core count.

scikit-learn's own loop adds what its threads found in the order they end, so its centres differ from
run to run, and it wants the matrix whole in memory, twice in float64. Here each block is summed by
one thread in float64 and the sums are added in block order. Starts are scikit-learn's k-means++.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numba
import numpy as np
from sklearn.cluster import kmeans_plusplus

from mf_etl.errors import ResearchError
from mf_etl.research.library_threads import one_library_thread
from mf_etl.research.preparation.blocks import MatrixRows, mean_and_variance

START_ROWS = 65_536
"""Rows that the starts are drawn from at most, and that they race on."""

FINALISTS = 2
"""Starts that go on with all rows."""

TILE_ROWS = 64
"""Rows that the kernel works on side by side: its inner loops run over them, in vector registers."""


@dataclass(frozen=True)
class KMeansFit:
    """Centres of shape (clusters, features), and how they were found."""

    centres: np.ndarray
    inertia: float
    iterations: int
    converged: bool


def fit_kmeans(
    rows: MatrixRows,
    n_clusters: int,
    *,
    seed: int,
    n_init: int = 20,
    max_iter: int = 300,
    tol: float = 1e-4,
    threads: int = 1,
) -> KMeansFit:
    """The fit of least inertia of `n_init` starts, the first of equals.

    Of more than `START_ROWS` rows a seeded sample is raced on: every start runs to its end there, and
    the best `FINALISTS` go on with all rows. `iterations` are those with all rows.

    `tol` is scikit-learn's: a fit has converged when no row changes its cluster, or when the squared
    distances that the centres moved add up to at most `tol` times the mean variance of a feature.
    """
    refuse_too_few(rows, n_clusters)

    def fits(of: MatrixRows, starts: Iterable[np.ndarray]) -> list[KMeansFit]:
        tolerance = tol * float(mean_and_variance(of, threads)[1].mean())
        return [
            lloyd(of, start, max_iter=max_iter, tolerance=tolerance, threads=threads)
            for start in starts
        ]

    with one_library_thread():
        sample = MatrixRows(rows.take_exactly(rows.sample(START_ROWS, seed)))
        starts = kmeans_starts(sample, n_clusters, seed, n_init)
        if rows.rows > sample.rows and n_init > 1:
            raced = sorted(fits(sample, starts), key=lambda fit: fit.inertia)
            starts = [fit.centres for fit in raced[:FINALISTS]]
        return min(fits(rows, starts), key=lambda fit: fit.inertia)


def kmeans_starts(sample: MatrixRows, n_clusters: int, seed: int, n_init: int) -> list[np.ndarray]:
    """Centres to start from by k-means++ (Arthur and Vassilvitskii 2007)."""
    x = sample.take(np.arange(sample.rows))
    seeds = np.random.SeedSequence(seed).generate_state(n_init)
    with one_library_thread():
        return [kmeans_plusplus(x, n_clusters, random_state=int(s))[0] for s in seeds]


def lloyd(
    rows: MatrixRows, start: np.ndarray, *, max_iter: int, tolerance: float, threads: int
) -> KMeansFit:
    """Lloyd's iterations (1982) from `start`, float64 of shape (clusters, features).

    A cluster without rows moves to the row farthest from its own centre, as in scikit-learn.
    """
    centres = np.array(start, dtype=np.float64)
    labels = np.full(rows.rows, -1, dtype=np.int16)
    for iteration in range(1, max_iter + 1):
        found = _assign(rows, centres, labels, threads)
        moved = _new_centres(rows, centres, labels, found, threads)
        shift = float(np.square(moved - centres).sum())
        centres = moved
        if not found.changed:
            return KMeansFit(centres, found.inertia, iteration, True)
        if shift <= tolerance:
            break
    final = _assign(rows, centres, labels, threads)
    return KMeansFit(centres, final.inertia, iteration, shift <= tolerance)


def kmeans_labels(rows: MatrixRows, centres: np.ndarray, threads: int) -> np.ndarray:
    """The nearest centre of each row, int16; the first of equals."""
    labels = np.full(rows.rows, -1, dtype=np.int16)
    _assign(rows, centres, labels, threads)
    return labels


def refuse_too_few(rows: MatrixRows, n_clusters: int) -> None:
    """Raises `ResearchError` for fewer rows than clusters."""
    if rows.rows < n_clusters:
        raise ResearchError(
            f"{n_clusters} clusters of {rows.rows} rows to fit on cannot be found; "
            "ask for fewer clusters or more rows"
        )


@dataclass
class _Assignment:
    """Sums of shape (clusters, features) and counts of the rows of each cluster."""

    sums: np.ndarray
    counts: np.ndarray
    inertia: float = 0.0
    changed: int = 0


def _assign(rows: MatrixRows, centres: np.ndarray, labels: np.ndarray, threads: int) -> _Assignment:
    """Put the nearest centre of each row into `labels`; the inertia is that of `centres`."""
    n_clusters = len(centres)

    def one(number: int) -> _Assignment:
        found = _Assignment(np.zeros(centres.shape), np.zeros(n_clusters, dtype=np.int64))
        found.inertia, found.changed = _nearest(
            rows.block(number), centres, labels[rows.span(number)], found.sums, found.counts
        )
        return found

    total = _Assignment(np.zeros(centres.shape), np.zeros(n_clusters, dtype=np.int64))
    for found in rows.each(one, threads):
        total.sums += found.sums
        total.counts += found.counts
        total.inertia += found.inertia
        total.changed += found.changed
    return total


@numba.njit(nogil=True, cache=True)
def _nearest(
    block: np.ndarray, centres: np.ndarray, labels: np.ndarray, sums: np.ndarray, counts: np.ndarray
) -> tuple[float, int]:  # pragma: no cover - compiled
    """Label the rows of a block; add to sums and counts; gives inertia and rows changed."""
    clusters, features = centres.shape
    columns = np.zeros((features, TILE_ROWS))
    distance = np.empty(TILE_ROWS)
    least = np.empty(TILE_ROWS)
    label = np.empty(TILE_ROWS, dtype=np.int64)
    inertia = 0.0
    changed = 0
    for start in range(0, block.shape[0], TILE_ROWS):
        rows = min(TILE_ROWS, block.shape[0] - start)
        for row in range(rows):
            for feature in range(features):
                columns[feature, row] = block[start + row, feature]
        least[:] = np.inf
        label[:] = 0
        for cluster in range(clusters):
            distance[:] = 0.0
            for feature in range(features):
                centre = centres[cluster, feature]
                for row in range(TILE_ROWS):
                    difference = columns[feature, row] - centre
                    distance[row] += difference * difference
            for row in range(TILE_ROWS):
                nearer = distance[row] < least[row]
                least[row] = distance[row] if nearer else least[row]
                label[row] = cluster if nearer else label[row]
        for row in range(rows):
            own = label[row]
            inertia += least[row]
            changed += labels[start + row] != own
            labels[start + row] = own
            counts[own] += 1
            for feature in range(features):
                sums[own, feature] += block[start + row, feature]
    return inertia, changed


def _new_centres(
    rows: MatrixRows, centres: np.ndarray, labels: np.ndarray, found: _Assignment, threads: int
) -> np.ndarray:
    """Means of the clusters. An empty one takes a far row, or else the largest cluster's mean."""
    empty = np.flatnonzero(found.counts == 0)
    if len(empty):
        for cluster, (distance, row) in zip(
            empty, _farthest(rows, centres, labels, len(empty), threads), strict=True
        ):
            if distance == 0:
                break
            values = rows.take(np.array([row]))[0]
            found.sums[labels[row]] -= values
            found.counts[labels[row]] -= 1
            found.sums[cluster] = values
            found.counts[cluster] = 1
    means: np.ndarray = found.sums / np.maximum(found.counts, 1)[:, None]
    means[found.counts == 0] = means[np.argmax(found.counts)]
    return means


def _farthest(
    rows: MatrixRows, centres: np.ndarray, labels: np.ndarray, count: int, threads: int
) -> list[tuple[float, int]]:
    """Squared distance and number of the rows farthest from their own centres, farthest first."""
    found = rows.each(partial(_farthest_of_block, rows, centres, labels, count), threads)
    farthest = heapq.nlargest(count, ((d, -row) for of_block in found for d, row in of_block))
    return [(distance, -row) for distance, row in farthest]


def _farthest_of_block(
    rows: MatrixRows, centres: np.ndarray, labels: np.ndarray, count: int, number: int
) -> list[tuple[float, int]]:
    span = rows.span(number)
    own = centres[labels[span]]
    distance = np.square(rows.block(number) - own).sum(axis=1)
    order = np.argsort(-distance, kind="stable")[:count]
    return [(float(distance[i]), span.start + int(i)) for i in order]
