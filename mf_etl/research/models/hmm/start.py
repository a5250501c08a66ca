"""Where a fit starts: k-means on a seeded sample of whole sequences."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans

from mf_etl.research.library_threads import one_library_thread
from mf_etl.research.preparation.sequences import Sequences

START_ROWS = 200_000
"""Rows that a start is made of; more rows change the start little and cost much."""

_ITERATIONS = 100


class Sample(NamedTuple):
    """Rows of whole sequences in float64, one after another."""

    rows: np.ndarray
    sequences: Sequences


def start_sample(
    matrix: np.ndarray, sequences: Sequences, *, seed: int | None, rows: int = START_ROWS
) -> Sample:
    """Sequences drawn in a seeded order until there are at least `rows` rows; the last one is cut.

    They are kept in the order of the matrix. The draw depends on `seed` and the number of
    sequences, so the starts of one fit can share it.
    """
    drawn = np.random.default_rng(seed).permutation(len(sequences))
    filled = np.cumsum(sequences.lengths[drawn])
    last = int(np.searchsorted(filled, rows))
    lengths = sequences.lengths.copy()
    if last < len(drawn):
        lengths[drawn[last]] -= filled[last] - rows
    chosen = np.sort(drawn[: last + 1])
    picked = replace(sequences.some(chosen), lengths=lengths[chosen])
    x = np.array(picked.gather(matrix), dtype=np.float64)
    together = Sequences.contiguous(picked.lengths, len(x))
    return Sample(x, replace(together, after_gap=picked.after_gap))


def kmeans_start(
    sample: Sample,
    n_components: int,
    *,
    covariance_type: str,
    min_covar: float,
    seed: int | None,
) -> dict[str, np.ndarray]:
    """Start parameters by their hmmlearn name, from one k-means run (k-means++, one thread).

    Means are the centres. Covariances are those of all rows around their centre, the same for each
    state, so that no state starts out too narrow to grow. Start and transition probabilities are
    counts of the labels, with one more for each so that nothing starts out impossible.
    """
    x, bounds = sample.rows, sample.sequences.bounds
    with one_library_thread():  # The order of its sums, and so the result, depends on threads.
        clusters = KMeans(n_components, n_init=1, max_iter=_ITERATIONS, random_state=seed).fit(x)
    labels, centres = clusters.labels_, clusters.cluster_centers_
    around = x - centres[labels]
    covariance = around.T @ around / len(x) + min_covar * np.eye(x.shape[1])
    steps = np.ones(len(labels), dtype=bool)
    steps[bounds[1:] - 1] = False
    here = np.flatnonzero(steps)
    counts = np.ones((n_components, n_components))
    np.add.at(counts, (labels[here], labels[here + 1]), 1.0)
    listed = sample.sequences.listed()
    first = 1.0 + np.bincount(labels[bounds[:-1]], listed, minlength=n_components)
    return {
        "startprob_": first / first.sum(),
        "transmat_": counts / counts.sum(axis=1, keepdims=True),
        "means_": centres,
        "covars_": _for_each_state(covariance, covariance_type, n_components),
    }


def _for_each_state(covariance: np.ndarray, covariance_type: str, states: int) -> np.ndarray:
    """One covariance matrix in the shape that hmmlearn keeps for all states."""
    if covariance_type == "tied":
        return covariance
    if covariance_type == "full":
        return np.tile(covariance, (states, 1, 1))
    variances = np.diagonal(covariance)
    if covariance_type == "spherical":
        variances = np.full(len(variances), variances.mean())
    return np.tile(variances, (states, 1))
