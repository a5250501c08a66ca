"""Gaussian emissions in compiled loops: log-densities of rows, and moments weighted by posteriors.

Rows come as float32 or float64 and are computed in float64. Sums run over the rows of a shard in
a fixed order, so they do not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import linalg

BLOCK_ROWS = 128
"""Rows whose moments are added at a time with full covariances: a block stays in the cache."""

TILE_ROWS = 64
"""Rows whose densities are computed side by side, in vector registers, with full covariances."""

# Lets the compiler use vector instructions in sums; infinities and NaN keep their meaning.
_VECTORISED = {"reassoc", "contract", "nsz", "arcp"}
_LOG_TWO_PI = np.log(2.0 * np.pi)


def log_density_diag(x: np.ndarray, means: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Log-densities, shape (rows, states), of rows under Gaussians with diagonal covariances.

    `means` and `variances` have shape (states, features). Squares of differences are summed, not a
    difference of sums of squares, so a small variance costs no digits.
    """
    constant = -0.5 * (x.shape[1] * _LOG_TWO_PI + np.log(variances).sum(axis=1))
    out = np.empty((len(x), len(means)))
    _log_density_diag(x, means, 1.0 / variances, constant, out)
    return out


def log_density_full(x: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """Log-densities, shape (rows, states), of rows under Gaussians with full covariances.

    With the Cholesky factor L of a covariance, the quadratic form is the squared length of
    L⁻¹(x − mean). `covariances` has shape (states, features, features) and is positive definite.
    """
    states, features = means.shape
    identity = np.eye(features)
    inverses = np.empty((states, features, features))
    shift, constant = np.empty((states, features)), np.empty(states)
    for state in range(states):
        factor = linalg.cholesky(covariances[state], lower=True)
        inverses[state] = linalg.solve_triangular(factor, identity, lower=True)
        shift[state] = inverses[state] @ means[state]
        constant[state] = -0.5 * features * _LOG_TWO_PI - np.log(np.diagonal(factor)).sum()
    out = np.empty((len(x), states))
    _log_density_full(x, inverses, shift, constant, out)
    return out


def moments_diag(x: np.ndarray, posteriors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over rows of posterior·x and posterior·x², each of shape (states, features)."""
    shape = (posteriors.shape[1], x.shape[1])
    first, second = np.zeros(shape), np.zeros(shape)
    _moments_diag(x, posteriors, first, second)
    return first, second


def moments_full(x: np.ndarray, posteriors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over rows of posterior·x, and of posterior·x·xᵀ of shape (states, features, features)."""
    states, features = posteriors.shape[1], x.shape[1]
    first = np.zeros(states * features)
    second = np.zeros((states * features, features))
    _moments_full(x, posteriors, first, second)
    return first.reshape(states, features), second.reshape(states, features, features)


@njit(nogil=True, cache=True, fastmath=_VECTORISED)
def _log_density_diag(
    x: np.ndarray, means: np.ndarray, precisions: np.ndarray, constant: np.ndarray, out: np.ndarray
) -> None:
    rows, features = x.shape
    row = np.empty(features)
    for t in range(rows):
        for f in range(features):
            row[f] = x[t, f]
        for state in range(len(constant)):
            distance = 0.0
            for f in range(features):
                difference = row[f] - means[state, f]
                distance += difference * difference * precisions[state, f]
            out[t, state] = constant[state] - 0.5 * distance


@njit(nogil=True, cache=True, fastmath={"contract"})
def _log_density_full(
    x: np.ndarray, inverses: np.ndarray, shift: np.ndarray, constant: np.ndarray, out: np.ndarray
) -> None:
    """Rows are worked on side by side, so that a row's bits do not depend on where it stands."""
    rows, features = x.shape
    columns = np.zeros((features, TILE_ROWS))
    whitened, distance = np.empty(TILE_ROWS), np.empty(TILE_ROWS)
    for begin in range(0, rows, TILE_ROWS):
        height = min(TILE_ROWS, rows - begin)
        for t in range(height):
            for f in range(features):
                columns[f, t] = x[begin + t, f]
        for state in range(len(constant)):
            for t in range(TILE_ROWS):
                distance[t] = 0.0
            for i in range(features):
                for t in range(TILE_ROWS):
                    whitened[t] = -shift[state, i]
                for j in range(i + 1):
                    weight = inverses[state, i, j]
                    for t in range(TILE_ROWS):
                        whitened[t] += weight * columns[j, t]
                for t in range(TILE_ROWS):
                    distance[t] += whitened[t] * whitened[t]
            for t in range(height):
                out[begin + t, state] = constant[state] - 0.5 * distance[t]


@njit(nogil=True, cache=True, fastmath=_VECTORISED)
def _moments_diag(
    x: np.ndarray, posteriors: np.ndarray, first: np.ndarray, second: np.ndarray
) -> None:
    rows, features = x.shape
    row, squares = np.empty(features), np.empty(features)
    for t in range(rows):
        for f in range(features):
            row[f] = x[t, f]
            squares[f] = row[f] * row[f]
        for state in range(posteriors.shape[1]):
            weight = posteriors[t, state]
            for f in range(features):
                first[state, f] += weight * row[f]
            for f in range(features):
                second[state, f] += weight * squares[f]


@njit(nogil=True, cache=True, fastmath=_VECTORISED)
def _moments_full(
    x: np.ndarray, posteriors: np.ndarray, first: np.ndarray, second: np.ndarray
) -> None:
    rows, features = x.shape
    states = posteriors.shape[1]
    block = np.empty((BLOCK_ROWS, features))
    weighted = np.empty((BLOCK_ROWS, states * features))
    for begin in range(0, rows, BLOCK_ROWS):
        height = min(BLOCK_ROWS, rows - begin)
        for t in range(height):
            for f in range(features):
                block[t, f] = x[begin + t, f]
            for state in range(states):
                weight = posteriors[begin + t, state]
                for f in range(features):
                    value = weight * block[t, f]
                    weighted[t, state * features + f] = value
                    first[state * features + f] += value
        second += np.dot(weighted[:height].T, block[:height])
