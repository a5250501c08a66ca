"""Which state of a fold's fit is which of the fold before, so that a number means one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]

FARTHEST = 1.0
"""Root mean square distance, in the fold's own deviations a feature, from which a state is new."""

FIRST, HUNGARIAN = "first", "hungarian"


@dataclass(frozen=True)
class Matched:
    """`numbers`, shape (states,): the number across folds of each state of the fit.

    `distances` is that to the state of the same number one fold before; NaN for a new state and in
    the first fold, whose states keep the numbers they have.
    """

    numbers: NDArray[np.int16]
    distances: Floats
    by: str

    @property
    def largest(self) -> float | None:
        """Of the distances; None where nothing was matched."""
        known = self.distances[~np.isnan(self.distances)]
        return float(known.max()) if len(known) else None


def first_states(states: int) -> Matched:
    """The numbers of the first fold."""
    return Matched(np.arange(states, dtype=np.int16), np.full(states, np.nan), FIRST)


def match_states(
    before: Matched, means_before: Floats, means: Floats, spread: Floats, free: int
) -> Matched:
    """Numbers of a fold's states by those of the fold `before`.

    `means_before` and `means` are means of train rows, unscaled, of shape (states, features), NaN for
    a state without rows; `spread`, shape (features,), is the fold's own scaling. The assignment has
    the least sum of squared distances (Kuhn 1955). What is farther than `FARTHEST` from its match, or
    has none, gets numbers from `free` on: nothing of the folds before is called so.
    """
    difference = (means[:, None, :] - means_before[None, :, :]) / spread
    squares = np.square(difference).mean(axis=2)
    told = np.where(np.isnan(squares), 1e6, squares)
    own, other = linear_sum_assignment(told)
    distances = np.full(len(means), np.nan)
    numbers = np.full(len(means), -1, dtype=np.int16)
    for state, match in zip(own, other, strict=True):
        distance = float(np.sqrt(told[state, match]))
        if distance <= FARTHEST:
            numbers[state], distances[state] = before.numbers[match], distance
    new = np.flatnonzero(numbers < 0)
    numbers[new] = free + np.arange(len(new))
    return Matched(numbers, distances, HUNGARIAN)


def states_of(matches: Sequence[Matched]) -> int:
    """How many numbers there are across folds."""
    return max((int(match.numbers.max(initial=-1)) + 1 for match in matches), default=0)


def renumbered(labels: NDArray[np.integer[Any]], numbers: NDArray[np.int16]) -> NDArray[np.int16]:
    """Labels of a fit in the numbers across folds; a negative label, of no state, stays."""
    return np.where(labels >= 0, numbers[np.maximum(labels, 0)], labels).astype(np.int16)
