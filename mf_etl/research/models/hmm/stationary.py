"""The long run of a chain of states."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stationary_distribution(transitions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities that a step of the chain leaves as they are, shape (states,).

    Where several do, as with two states that are never left, the one of least length.
    """
    states = len(transitions)
    equations = np.vstack([transitions.T - np.eye(states), np.ones(states)])
    found = np.linalg.lstsq(equations, np.append(np.zeros(states), 1.0), rcond=None)[0]
    found = np.maximum(found, 0.0)
    return np.asarray(found / found.sum())
