"""Forward and backward passes of one sequence on logarithms: slow, and nothing underflows."""

from __future__ import annotations

import numpy as np
from numba import njit


def logarithms(probabilities: np.ndarray) -> np.ndarray:
    """Natural logarithms, −inf of zero."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probabilities))


@njit(nogil=True, cache=True)
def _log_sum(values: np.ndarray) -> float:
    largest: float = values.max()
    if largest == -np.inf:
        return largest
    total = 0.0
    for value in values:
        total += np.exp(value - largest)
    found: float = largest + np.log(total)
    return found


@njit(nogil=True, cache=True)
def to_probabilities(logs: np.ndarray) -> None:
    """Replace rows of logarithms by probabilities that sum to 1."""
    for t in range(len(logs)):
        total = _log_sum(logs[t])
        for j in range(logs.shape[1]):
            logs[t, j] = np.exp(logs[t, j] - total)


@njit(nogil=True, cache=True)
def forward_log(
    log_density: np.ndarray, log_start: np.ndarray, log_transitions: np.ndarray, out: np.ndarray
) -> None:
    """Logarithms of the densities of each state together with its sequence's rows so far."""
    rows, states = log_density.shape
    terms = np.empty(states)
    for j in range(states):
        out[0, j] = log_start[j] + log_density[0, j]
    for t in range(1, rows):
        for j in range(states):
            for i in range(states):
                terms[i] = out[t - 1, i] + log_transitions[i, j]
            out[t, j] = _log_sum(terms) + log_density[t, j]


@njit(nogil=True, cache=True)
def expectations_log(
    log_density: np.ndarray,
    log_start: np.ndarray,
    log_transitions: np.ndarray,
    posteriors: np.ndarray,
    by_row: np.ndarray,
    step_sum: np.ndarray,
) -> None:
    """Posteriors and log-densities of the rows of one sequence; adds its steps to the sum."""
    rows, states = log_density.shape
    alpha = np.empty((rows, states))
    forward_log(log_density, log_start, log_transitions, alpha)
    before = 0.0
    for t in range(rows):
        log_likelihood = _log_sum(alpha[t])
        by_row[t] = log_likelihood - before
        before = log_likelihood
    beta, ahead, terms = np.zeros(states), np.empty(states), np.empty(states)
    posteriors[rows - 1] = alpha[rows - 1]
    for t in range(rows - 2, -1, -1):
        for j in range(states):
            ahead[j] = log_density[t + 1, j] + beta[j]
        for i in range(states):
            for j in range(states):
                terms[j] = log_transitions[i, j] + ahead[j]
                step_sum[i, j] += np.exp(alpha[t, i] + terms[j] - log_likelihood)
            beta[i] = _log_sum(terms)
            posteriors[t, i] = alpha[t, i] + beta[i]
    to_probabilities(posteriors)
