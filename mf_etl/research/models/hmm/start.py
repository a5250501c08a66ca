"""Where a fit starts: k-means on a seeded sample of stretches of sequences."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans

from mf_etl.research.library_threads import one_library_thread
from mf_etl.research.preparation.sequences import Sequences

START_ROWS = 200_000
"""Rows that a start is made of; more rows change the start little and cost much."""

STRETCH_ROWS = 500
"""Neighbouring rows of a sample: many regimes long, and of as many tickers as there are stretches."""

_ITERATIONS = 100


class Sample(NamedTuple):
    """Rows of stretches of sequences in float64, one after another."""

    rows: np.ndarray
    sequences: Sequences


def start_sample(
    matrix: np.ndarray, sequences: Sequences, *, seed: int | None, rows: int = START_ROWS
) -> Sample:
    """Stretches of at most `STRETCH_ROWS` rows in a seeded order until there are `rows` rows.

    Stretches, not sequences: 200,000 rows are 30 long histories, and a model of those is led away from
    that of a market. All sequences as they are where they have no more rows. Stretches are kept in the
    order of the matrix, the last one is cut, and one from within a sequence is like one after a gap.
    The draw depends on `seed` and the sequences, so the starts of one fit can share it.
    """
    picked = sequences
    if sequences.rows > rows:
        pieces = -(-sequences.lengths // STRETCH_ROWS)
        owner = np.repeat(np.arange(len(sequences)), pieces)
        offset = STRETCH_ROWS * (np.arange(len(owner)) - (np.cumsum(pieces) - pieces)[owner])
        lengths = np.minimum(sequences.lengths[owner] - offset, STRETCH_ROWS)
        drawn = np.random.default_rng(seed).permutation(len(owner))
        filled = np.cumsum(lengths[drawn])
        last = int(np.searchsorted(filled, rows))
        lengths[drawn[last]] -= filled[last] - rows
        chosen = np.sort(drawn[: last + 1])
        own = sequences.some(owner[chosen])
        picked = Sequences(
            own.starts + offset[chosen],
            lengths[chosen],
            sequences.order,
            (offset[chosen] > 0) | (own.listed() == 0.0),
        )
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
