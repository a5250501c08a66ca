"""Forward and backward passes, filtering and Viterbi paths of a shard of sequences, compiled.

All take log-densities of shape (rows, states) and `bounds`, the row at which each sequence starts
and, last, the number of rows. The passes run on densities divided by the largest of their row and
scale each row to sum 1 (Rabiner 1989, section V.A). Where that loses digits, the sequence is done
again with logarithms: at ten times the cost, but nothing underflows there.

Why the test for loss is safe: a density that underflows is below 1e-308 of its row's largest, so
its share of a row with scale ≥ `MIN_SCALE` is below 1e-208; its posterior is that share times the
backward value, and so below 1e-28 while backward values stay under `MAX_BACKWARD`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from mf_etl.research.models.hmm.log_space import (
    expectations_log,
    forward_log,
    logarithms,
    to_probabilities,
)

MIN_SCALE = 1e-100
MAX_BACKWARD = 1e180
MAX_LOST_SHARE = 1e-20
_SMALLEST = 1e-300


class Expectations(NamedTuple):
    """What one forward and backward pass over a shard gives."""

    log_likelihood: float
    posteriors: np.ndarray
    """Shape (rows, states): probability of each state given the row's whole sequence."""
    start: np.ndarray
    """Shape (states,): posteriors of first rows, summed over sequences."""
    transitions: np.ndarray
    """Shape (states, states): expected number of steps from state (row) to state (column)."""
    in_log_space: int
    """Sequences that had to be done with logarithms."""


def expectations(
    log_density: np.ndarray, bounds: np.ndarray, start: np.ndarray, transitions: np.ndarray
) -> Expectations:
    """Posteriors and expected counts of a shard; `start` and `transitions` are probabilities."""
    states = log_density.shape[1]
    relative, largest = _relative(log_density)
    posteriors = np.empty_like(relative)
    scale = np.empty(len(relative))
    start_sum, step_sum = np.zeros(states), np.zeros((states, states))
    lost = np.zeros(len(bounds) - 1, dtype=np.bool_)
    _expectations(
        relative, bounds, start, transitions, posteriors, scale, start_sum, step_sum, lost
    )
    step_sum *= transitions
    by_row = np.log(scale) + largest
    if lost.any():
        log_start, log_transitions = logarithms(start), logarithms(transitions)
        for begin, end in zip(bounds[:-1][lost], bounds[1:][lost], strict=True):
            by_row[begin:end] = 0.0
            by_row[begin] = expectations_log(
                log_density[begin:end],
                log_start,
                log_transitions,
                posteriors[begin:end],
                start_sum,
                step_sum,
            )
    return Expectations(
        float(by_row.sum()), posteriors, start_sum, step_sum, int(np.count_nonzero(lost))
    )


def filtered(
    log_density: np.ndarray, bounds: np.ndarray, start: np.ndarray, transitions: np.ndarray
) -> np.ndarray:
    """Probability of each state given the rows of its sequence up to and with this one."""
    relative, _ = _relative(log_density)
    probabilities = np.empty_like(relative)
    lost = np.zeros(len(bounds) - 1, dtype=np.bool_)
    _filtered(relative, bounds, start, transitions, probabilities, lost)
    if lost.any():
        log_start, log_transitions = logarithms(start), logarithms(transitions)
        for begin, end in zip(bounds[:-1][lost], bounds[1:][lost], strict=True):
            forward_log(
                log_density[begin:end], log_start, log_transitions, probabilities[begin:end]
            )
            to_probabilities(probabilities[begin:end])
    return probabilities


def viterbi(
    log_density: np.ndarray, bounds: np.ndarray, start: np.ndarray, transitions: np.ndarray
) -> tuple[float, np.ndarray]:
    """Log-probability and states (int8, one a row) of the likeliest path of each sequence.

    Ties go where hmmlearn sends them: to the first state on a sequence's last row, to the last
    one on the rows before.
    """
    path = np.empty(len(log_density), dtype=np.int8)
    log_probability = _viterbi(
        log_density, bounds, logarithms(start), logarithms(transitions), path
    )
    return log_probability, path


def _relative(log_density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Densities over the largest of their row, and the logarithm of that one."""
    relative, largest = np.empty_like(log_density), np.empty(len(log_density))
    _minus_largest(log_density, relative, largest)
    with np.errstate(under="ignore"):
        np.exp(relative, out=relative)  # A vector loop, which a compiled call of exp is not.
    return relative, largest


@njit(nogil=True, cache=True)
def _minus_largest(log_density, relative, largest):
    for t in range(len(log_density)):
        highest = log_density[t, 0]
        for j in range(1, log_density.shape[1]):
            highest = max(highest, log_density[t, j])
        largest[t] = highest
        for j in range(log_density.shape[1]):
            relative[t, j] = log_density[t, j] - highest


@njit(nogil=True, cache=True)
def _forward(relative, begin, end, start, transitions, alpha, scale):
    """Scaled forward pass; false if a row is too improbable for it."""
    states = len(start)
    for t in range(begin, end):
        total = 0.0
        for j in range(states):
            if t == begin:
                value = start[j]
            else:
                value = 0.0
                for i in range(states):
                    value += alpha[t - 1, i] * transitions[i, j]
            value *= relative[t, j]
            alpha[t, j] = value
            total += value
        if not total >= MIN_SCALE:
            return False
        scale[t] = total
        inverse = 1.0 / total
        for j in range(states):
            alpha[t, j] *= inverse
    return True


@njit(nogil=True, cache=True)
def _expectations(
    relative, bounds, start, transitions, posteriors, scale, start_sum, step_sum, lost
):
    states = len(start)
    beta, ahead = np.empty(states), np.empty(states)
    steps = np.empty((states, states))
    for s in range(len(bounds) - 1):
        begin, end = bounds[s], bounds[s + 1]
        if not _forward(relative, begin, end, start, transitions, posteriors, scale):
            scale[begin:end] = 1.0
            lost[s] = True
            continue
        steps[:] = 0.0
        beta[:] = 1.0
        for t in range(end - 2, begin - 1, -1):
            inverse = 1.0 / scale[t + 1]
            for j in range(states):
                ahead[j] = relative[t + 1, j] * beta[j] * inverse
            highest = 0.0
            total = 0.0
            for i in range(states):
                alpha = posteriors[t, i]
                value = 0.0
                for j in range(states):
                    value += transitions[i, j] * ahead[j]
                    steps[i, j] += alpha * ahead[j]
                beta[i] = value
                highest = max(highest, value)
                posteriors[t, i] = alpha * value
                total += alpha * value
            if not highest <= MAX_BACKWARD:
                lost[s] = True
                break
            inverse = 1.0 / total
            for i in range(states):
                posteriors[t, i] *= inverse
        if not lost[s]:
            start_sum += posteriors[begin]
            step_sum += steps


@njit(nogil=True, cache=True)
def _filtered(relative, bounds, start, transitions, probabilities, lost):
    states = len(start)
    scale = np.empty(len(relative))
    for s in range(len(bounds) - 1):
        begin, end = bounds[s], bounds[s + 1]
        if not _forward(relative, begin, end, start, transitions, probabilities, scale):
            lost[s] = True
            continue
        # What has underflowed so far, as a share of its row, can grow by 1/scale a row at most.
        share = 0.0
        for t in range(begin, end):
            for j in range(states):
                if probabilities[t, j] < _SMALLEST:
                    share += 1e-308
            share /= scale[t]
            if share > MAX_LOST_SHARE:
                lost[s] = True
                break


@njit(nogil=True, cache=True)
def _viterbi(log_density, bounds, log_start, log_transitions, path):
    states = len(log_start)
    came_from = np.empty(log_density.shape, dtype=np.int8)
    best, previous = np.empty(states), np.empty(states)
    log_probability = 0.0
    for s in range(len(bounds) - 1):
        begin, end = bounds[s], bounds[s + 1]
        for j in range(states):
            best[j] = log_start[j] + log_density[begin, j]
        for t in range(begin + 1, end):
            previous[:] = best
            for j in range(states):
                highest = -np.inf
                origin = 0
                for i in range(states):
                    value = previous[i] + log_transitions[i, j]
                    if value >= highest:
                        highest = value
                        origin = i
                best[j] = highest + log_density[t, j]
                came_from[t, j] = origin
        state = int(np.argmax(best))
        log_probability += best[state]
        path[end - 1] = state
        for t in range(end - 1, begin, -1):
            state = came_from[t, state]
            path[t - 1] = state
    return log_probability
