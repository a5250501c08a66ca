"""Forward and backward passes, filtering and Viterbi paths of a shard of sequences, compiled.

All take log-densities of shape (rows, states), `bounds`, the row at which each sequence starts
and, last, the number of rows, `start`, the probabilities of states on first rows, one vector for all
sequences or one a sequence, and transition probabilities. The passes run on densities divided by the
largest of their row and scale each row to sum 1 (Rabiner 1989, section V.A). Where that loses digits,
the sequence is done again with logarithms: at ten times the cost, but nothing underflows there.

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
    by_row: np.ndarray
    """Shape (rows,): logarithm of the density of each row given those before it in its sequence."""
    in_log_space: int
    """Sequences that had to be done with logarithms."""


def expectations(
    log_density: np.ndarray, bounds: np.ndarray, start: np.ndarray, transitions: np.ndarray
) -> Expectations:
    """Posteriors and expected counts of a shard; see the module for `start`."""
    states = log_density.shape[1]
    start = _of_each(start, bounds)
    relative, largest = _relative(log_density)
    posteriors = np.empty_like(relative)
    scale = np.empty(len(relative))
    step_sum = np.zeros((states, states))
    lost = np.zeros(len(bounds) - 1, dtype=np.bool_)
    _expectations(relative, bounds, start, transitions, posteriors, scale, step_sum, lost)
    with np.errstate(under="ignore"):
        step_sum *= transitions
    by_row = np.log(scale) + largest
    if lost.any():
        log_start, log_transitions = logarithms(start), logarithms(transitions)
        for sequence in np.flatnonzero(lost):
            inside = slice(bounds[sequence], bounds[sequence + 1])
            expectations_log(
                log_density[inside],
                log_start[sequence],
                log_transitions,
                posteriors[inside],
                by_row[inside],
                step_sum,
            )
    start_sum = np.ones(len(start)) @ posteriors[bounds[:-1]]
    return Expectations(
        float(by_row.sum()), posteriors, start_sum, step_sum, by_row, int(np.count_nonzero(lost))
    )


def filtered(
    log_density: np.ndarray, bounds: np.ndarray, start: np.ndarray, transitions: np.ndarray
) -> np.ndarray:
    """Probability of each state given the rows of its sequence up to and with this one.

    Rows that follow bear on nothing, not even on rounding: where scaling loses digits, only the rows
    from there on come from logarithms.
    """
    start = _of_each(start, bounds)
    relative, _ = _relative(log_density)
    probabilities = np.empty_like(relative)
    good_until = np.empty(len(bounds) - 1, dtype=np.int64)
    _filtered(relative, bounds, start, transitions, probabilities, good_until)
    lost = good_until < bounds[1:]
    if lost.any():
        log_start, log_transitions = logarithms(start), logarithms(transitions)
        for sequence in np.flatnonzero(lost):
            begin, end, good = bounds[sequence], bounds[sequence + 1], good_until[sequence]
            logs = np.empty((end - begin, probabilities.shape[1]))
            forward_log(log_density[begin:end], log_start[sequence], log_transitions, logs)
            to_probabilities(logs)
            probabilities[good:end] = logs[good - begin :]
    return probabilities


def viterbi(
    log_density: np.ndarray, bounds: np.ndarray, start: np.ndarray, transitions: np.ndarray
) -> tuple[float, np.ndarray]:
    """Log-probability and states (int8, one a row) of the likeliest path of each sequence.

    Ties go where hmmlearn sends them: to the first state on a sequence's last row, to the last
    one on the rows before.
    """
    path = np.empty(len(log_density), dtype=np.int8)
    log_start = logarithms(_of_each(start, bounds))
    log_probability = _viterbi(log_density, bounds, log_start, logarithms(transitions), path)
    return log_probability, path


def _of_each(start: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Start probabilities of each sequence, C order."""
    shape = (len(bounds) - 1, start.shape[-1])
    return np.ascontiguousarray(np.broadcast_to(start, shape), dtype=np.float64)


def _relative(log_density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Densities over the largest of their row, and the logarithm of that one."""
    relative, largest = np.empty_like(log_density), np.empty(len(log_density))
    _minus_largest(log_density, relative, largest)
    with np.errstate(under="ignore"):
        np.exp(relative, out=relative)  # A vector loop, which a compiled call of exp is not.
    return relative, largest


@njit(nogil=True, cache=True)
def _minus_largest(log_density: np.ndarray, relative: np.ndarray, largest: np.ndarray) -> None:
    for t in range(len(log_density)):
        highest = log_density[t, 0]
        for j in range(1, log_density.shape[1]):
            highest = max(highest, log_density[t, j])
        largest[t] = highest
        for j in range(log_density.shape[1]):
            relative[t, j] = log_density[t, j] - highest


@njit(nogil=True, cache=True)
def _forward(
    relative: np.ndarray,
    begin: int,
    end: int,
    start: np.ndarray,
    transitions: np.ndarray,
    alpha: np.ndarray,
    scale: np.ndarray,
) -> int:
    """Scaled forward pass; gives the row that is too improbable for it, or else `end`."""
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
            return t
        scale[t] = total
        inverse = 1.0 / total
        for j in range(states):
            alpha[t, j] *= inverse
    return end


@njit(nogil=True, cache=True)
def _expectations(
    relative: np.ndarray,
    bounds: np.ndarray,
    start: np.ndarray,
    transitions: np.ndarray,
    posteriors: np.ndarray,
    scale: np.ndarray,
    step_sum: np.ndarray,
    lost: np.ndarray,
) -> None:
    states = start.shape[1]
    beta, ahead = np.empty(states), np.empty(states)
    steps = np.empty((states, states))
    for s in range(len(bounds) - 1):
        begin, end = bounds[s], bounds[s + 1]
        if _forward(relative, begin, end, start[s], transitions, posteriors, scale) < end:
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
            step_sum += steps


@njit(nogil=True, cache=True)
def _filtered(
    relative: np.ndarray,
    bounds: np.ndarray,
    start: np.ndarray,
    transitions: np.ndarray,
    probabilities: np.ndarray,
    good_until: np.ndarray,
) -> None:
    states = start.shape[1]
    scale = np.empty(len(relative))
    for s in range(len(bounds) - 1):
        begin = bounds[s]
        end = _forward(relative, begin, bounds[s + 1], start[s], transitions, probabilities, scale)
        good_until[s] = end
        # What has underflowed so far, as a share of its row, can grow by 1/scale a row at most.
        share = 0.0
        for t in range(begin, end):
            for j in range(states):
                if probabilities[t, j] < _SMALLEST:
                    share += 1e-308
            share /= scale[t]
            if share > MAX_LOST_SHARE:
                good_until[s] = t
                break


@njit(nogil=True, cache=True)
def _viterbi(
    log_density: np.ndarray,
    bounds: np.ndarray,
    log_start: np.ndarray,
    log_transitions: np.ndarray,
    path: np.ndarray,
) -> float:
    states = log_start.shape[1]
    came_from = np.empty(log_density.shape, dtype=np.int8)
    best, previous = np.empty(states), np.empty(states)
    log_probability = 0.0
    for s in range(len(bounds) - 1):
        begin, end = bounds[s], bounds[s + 1]
        for j in range(states):
            best[j] = log_start[s, j] + log_density[begin, j]
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
