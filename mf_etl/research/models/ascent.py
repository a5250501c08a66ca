"""Expectation maximisation to its end: when it has converged, and steps that get there sooner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Parameters = tuple[NDArray[Any], ...]

MOST_TO_COME = 1e-3
"""Log-likelihood a row that a converged fit may still gain: one nat per 1,000 rows."""

_ROUNDING = 1e-13
_LONGEST_STEP, _STEP_GROWTH = 4.0, 4.0


def to_come(likelihoods: Sequence[float]) -> float:
    """Size of all changes still to come after three consecutive values, if they go on shrinking so.

    Aitken's extrapolation (Böhning and others 1994): with the ratio c of the last change to the one
    before, the rest of the geometric series is change·c/(1 − c). Infinity where changes do not
    shrink, 0 where the last one is rounding.
    """
    first, second, third = likelihoods
    before, change = abs(second - first), abs(third - second)
    if change <= _ROUNDING * abs(third):
        return 0.0
    return change * change / (before - change) if change < before else np.inf


class Progress:
    """Log-likelihoods of an ascent, and whether it has converged.

    It has once three values that plain steps lead through show a last change of less than `tol` a
    row and, extrapolated, no more than `MOST_TO_COME` a row to come.
    """

    def __init__(self, rows: int, tol: float) -> None:
        self.rows, self.tol = rows, tol
        self.values: list[float] = []
        """Of all steps that were kept."""
        self._by_plain_steps = 0

    def add(self, value: float, *, jumped: bool = False) -> None:
        """The value that a plain step led to, or, with `jumped`, an extrapolated one."""
        self.values.append(float(value))
        self._by_plain_steps = 1 if jumped else self._by_plain_steps + 1

    @property
    def to_be_judged(self) -> bool:
        """Whether the last plain step gained less than `tol` a row and one more would tell."""
        return self._by_plain_steps == 2 and self._last_is_small()

    @property
    def converged(self) -> bool:
        """See the class."""
        return (
            self._by_plain_steps >= 3
            and self._last_is_small()
            and to_come(self.values[-3:]) <= MOST_TO_COME * self.rows
        )

    @property
    def to_come_per_row(self) -> float | None:
        """What is to come a row, extrapolated; None if that cannot be told."""
        if self._by_plain_steps < 3:
            return None
        rest = to_come(self.values[-3:]) / self.rows
        return rest if np.isfinite(rest) else None

    def _last_is_small(self) -> bool:
        return abs(self.values[-1] - self.values[-2]) < self.tol * self.rows


class Ascending(Protocol):
    """A model at its present parameters."""

    def iterate(self) -> float:
        """One iteration; gives the log-likelihood of the parameters that it started from."""

    def parameters(self) -> Parameters:
        """A copy of all that an iteration changes."""

    def restore(self, parameters: Parameters) -> None:
        """Go back to these."""

    def coordinates(self, parameters: Parameters) -> Floats:
        """The parameters as a vector in which every point is a model."""

    def at(self, coordinates: Floats, like: Parameters) -> Parameters:
        """The parameters at a point; what has no coordinates is as in `like`."""


def ascend(model: Ascending, progress: Progress, iterations: int, *, accelerate: bool) -> int:
    """Iterate until `progress` has converged, `iterations` times at most; gives how often.

    With `accelerate`, every two iterations are followed by a step of SQUAREM (Varadhan and Roland
    2008, scheme S3) that is kept only if the likelihood rises by it; a step that is not kept costs an
    iteration. The result is that of plain iterations from another point of their way.
    """
    trail = [model.parameters()]
    longest = _LONGEST_STEP
    done = 0
    while done < iterations:
        value = model.iterate()
        done += 1
        progress.add(value)
        if progress.converged:
            break
        if not accelerate:
            continue
        trail = [*trail[-2:], model.parameters()]
        if len(trail) < 3 or progress.to_be_judged or done == iterations:
            continue
        first, second, third = (model.coordinates(parameters) for parameters in trail)
        step, bend = second - first, third - 2.0 * second + first
        bent = float(np.linalg.norm(bend))
        length = min(longest, float(np.linalg.norm(step)) / bent) if bent > 0 else 1.0
        if length <= 1.0:  # No farther than the iterations themselves went.
            continue
        reached = trail[-1]
        candidate, there = _tried(model, first + 2.0 * length * step + length**2 * bend, reached)
        done += 1
        if there >= value:
            progress.add(there, jumped=True)
            trail = [candidate, model.parameters()]
            longest = longest * _STEP_GROWTH if length == longest else longest
        else:
            model.restore(reached)
            trail = [reached]
            longest = max(_LONGEST_STEP, longest / _STEP_GROWTH)
    return done


def _tried(model: Ascending, point: Floats, like: Parameters) -> tuple[Parameters, float]:
    """An iteration from a point; −inf, which nothing keeps, where there is no model."""
    try:
        candidate = model.at(point, like)
        model.restore(candidate)
        value = model.iterate()
    except (ValueError, np.linalg.LinAlgError):
        return like, -np.inf
    return candidate, value if np.isfinite(value) else -np.inf


def of_probabilities(probabilities: Floats) -> Floats:
    """Square roots: every vector is one of probabilities, and what is impossible stays so."""
    return np.asarray(np.sqrt(probabilities))


def to_probabilities(coordinates: Floats) -> Floats:
    """The other way, over the last axis."""
    squares = np.square(coordinates)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(squares / squares.sum(axis=-1, keepdims=True))


def of_covariances(covariances: Floats, matrices: bool) -> Floats:
    """Logarithms of variances; of matrices the Cholesky factor with a logarithmic diagonal."""
    if not matrices:
        return np.asarray(np.log(covariances), dtype=np.float64)
    factors = np.linalg.cholesky(covariances)
    diagonal = np.arange(factors.shape[-1])
    factors[..., diagonal, diagonal] = np.log(factors[..., diagonal, diagonal])
    return np.asarray(factors, dtype=np.float64)


def to_covariances(coordinates: Floats, matrices: bool) -> Floats:
    """The other way."""
    with np.errstate(over="ignore"):
        if not matrices:
            return np.exp(coordinates)
        factors = coordinates.copy()
        diagonal = np.arange(factors.shape[-1])
        factors[..., diagonal, diagonal] = np.exp(factors[..., diagonal, diagonal])
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(factors @ np.swapaxes(factors, -1, -2))


def joined(*arrays: Floats) -> Floats:
    """Arrays as one vector."""
    return np.concatenate([array.ravel() for array in arrays])


def parted(vector: Floats, *like: NDArray[Any]) -> list[Floats]:
    """The other way: arrays of the shapes of `like`."""
    ends = np.cumsum([array.size for array in like])[:-1]
    parts = np.split(vector, ends)
    return [part.reshape(array.shape) for part, array in zip(parts, like, strict=True)]
