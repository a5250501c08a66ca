"""A floor under variances and eigenvalues of covariances."""

from __future__ import annotations

import numpy as np


def raised(
    covariances: np.ndarray, covariance_type: str, floor: float, states: int
) -> tuple[np.ndarray, np.ndarray]:
    """Covariances, in hmmlearn's shape, raised to `floor`; and which states sit on it (bool)."""
    if covariance_type in ("diag", "spherical"):
        low = np.less_equal(covariances, floor).reshape(states, -1)
        return np.maximum(covariances, floor), np.asarray(low.any(axis=1))
    features = covariances.shape[-1]
    found = [_floored(one, floor) for one in covariances.reshape(-1, features, features)]
    at_floor = np.array([at for _, at in found])
    whole = np.stack([one for one, _ in found]).reshape(covariances.shape)
    return whole, np.broadcast_to(at_floor, (states,)).copy()


def _floored(covariance: np.ndarray, floor: float) -> tuple[np.ndarray, bool]:
    """A covariance with no eigenvalue below `floor`, untouched if so already; whether it is at it.

    One that was raised before has its lowest eigenvalue at the floor up to rounding.
    """
    values, vectors = np.linalg.eigh(covariance)
    at_floor = bool(values[0] <= floor * (1 + 1e-9))
    if values[0] >= floor * (1 - 1e-9):
        return covariance, at_floor
    raised_one = (vectors * np.maximum(values, floor)) @ vectors.T
    return (raised_one + raised_one.T) / 2, at_floor
