"""Expectation step of Gaussian mixtures, block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from mf_etl.research.preparation.blocks import MatrixRows

Responsibilities = Callable[[slice, np.ndarray], tuple[np.ndarray, float]]
"""From the place of some rows among all, and the rows (n, features): the share of each component in
each row (components, n), and the rows' log-likelihood."""


@dataclass
class Statistics:
    """What the maximisation step needs of some rows; sums over them, weighted by responsibility.

    `weight` (components,). With diagonal covariance `first` is of x and `second` of x², both
    (components, features). With full covariance they are of x − c and of (x − c)(x − c)ᵀ,
    (components, features, features), where c is the component's mean of before.
    """

    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray
    log_likelihood: float = 0.0

    @classmethod
    def zero(cls, means: np.ndarray, covariance_type: str) -> Self:
        """Of no rows."""
        components, features = means.shape
        shape = (features,) if covariance_type == "diag" else (features, features)
        return cls(np.zeros(components), np.zeros(means.shape), np.zeros((components, *shape)))

    def add(self, later: Statistics) -> None:
        """Take in further rows."""
        self.weight += later.weight
        self.first += later.first
        self.second += later.second
        self.log_likelihood += later.log_likelihood


def total_statistics(
    rows: MatrixRows,
    means: np.ndarray,
    covariance_type: str,
    responsibilities: Responsibilities,
    threads: int,
) -> Statistics:
    """Statistics of all rows, added in block order."""

    def of_block(number: int) -> Statistics:
        found = Statistics.zero(means, covariance_type)
        start = rows.span(number).start
        for inside, x in rows.chunks(number):
            place = slice(start + inside.start, start + inside.stop)
            share, log_likelihood = responsibilities(place, x)
            found.log_likelihood += log_likelihood
            found.weight += share.sum(axis=1)
            if covariance_type == "diag":
                found.first += share @ x
                found.second += share @ np.square(x)
            else:
                _add_centred(found, share, x, means)
        return found

    total = Statistics.zero(means, covariance_type)
    for found in rows.each(of_block, threads):
        total.add(found)
    return total


def soft_responsibilities(
    weights: np.ndarray, means: np.ndarray, factors: np.ndarray, covariance_type: str
) -> Responsibilities:
    """Posterior probabilities; `factors` are scikit-learn's ``precisions_cholesky_``."""
    components, features = means.shape
    if covariance_type == "spherical":
        factors = np.broadcast_to(factors[:, None], means.shape)
    if covariance_type == "tied":
        factors = np.broadcast_to(factors, (components, features, features))
    covariance_type = "diag" if factors.ndim == 2 else "full"
    diagonal = factors if covariance_type == "diag" else np.einsum("kii->ki", factors)
    constant = np.log(weights) + np.log(diagonal).sum(axis=1) - 0.5 * features * np.log(2 * np.pi)

    def log_joint_diag(x: np.ndarray) -> np.ndarray:
        precisions = np.square(factors)
        base = constant - 0.5 * (np.square(means) * precisions).sum(axis=1)
        joint = base[:, None] + (means * precisions) @ x.T
        return np.asarray(joint - 0.5 * (precisions @ np.square(x).T))

    def log_joint_full(x: np.ndarray) -> np.ndarray:
        joint = np.empty((len(means), len(x)))
        for k, (mean, factor) in enumerate(zip(means, factors, strict=True)):
            white = (x - mean) @ factor
            joint[k] = constant[k] - 0.5 * np.einsum("ij,ij->i", white, white)
        return joint

    log_joint = log_joint_diag if covariance_type == "diag" else log_joint_full

    def responsibilities(_: slice, x: np.ndarray) -> tuple[np.ndarray, float]:
        joint = log_joint(x)
        top = joint.max(axis=0)
        share = np.exp(joint - top)
        total = share.sum(axis=0)
        share /= total
        return share, float((top + np.log(total)).sum())

    return responsibilities


def hard_responsibilities(labels: np.ndarray, components: int) -> Responsibilities:
    """1 for the component that a row is labelled with; of no likelihood."""

    def responsibilities(place: slice, x: np.ndarray) -> tuple[np.ndarray, float]:
        return (labels[place] == np.arange(components)[:, None]).astype(np.float64), 0.0

    return responsibilities


def _add_centred(found: Statistics, share: np.ndarray, x: np.ndarray, means: np.ndarray) -> None:
    """Moments about the means of before: they are near the new ones, so little cancels."""
    for k, mean in enumerate(means):
        difference = x - mean
        found.first[k] += share[k] @ difference
        # Of one array with itself the product is symmetric, at half the work.
        difference *= np.sqrt(share[k])[:, None]
        found.second[k] += difference.T @ difference
