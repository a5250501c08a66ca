"""Shifted labels: what labels of the same persistence, but of other days, give by chance.

Every ticker's path of labels is rolled by the same number of rows, so that labels keep their runs,
their shares and what they have in common across tickers, and lose the days that they were made for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from mf_etl.research.datasets.selection import seed_bytes
from mf_etl.research.inference.intervals import quadratic
from mf_etl.research.inference.sums import Floats, Integers

LEAST_PATH = 120
"""Rows; a shorter path is left out, also of the unshifted separation."""

LEAST_SHIFT = 60


class Path(NamedTuple):
    """Labels and outcomes of one ticker in row order; shape (rows,) each.

    A negative label is none; an outcome is NaN where there is none or its row is not eligible.
    """

    labels: Integers
    values: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Shifted:
    """Separation (largest less smallest mean) in the data and by shift, and how often it is beaten.

    `shifts`, `separations` and `w` have shape (draws,); `w` is NaN without a weight. p = (1 + #{≥
    value})/(draws + 1), None if it cannot be told.
    """

    value: float | None
    shifts: Integers
    separations: Floats
    w: Floats
    paths: int
    p: float | None


def paths_of(keys: Integers, labels: Integers, values: NDArray[np.floating[Any]]) -> Iterator[Path]:
    """The path of each run of equal `keys`, one a ticker (and segment); shape (rows,) each."""
    bounds = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1, append=keys[-1:] + 1))
    for start, stop in itertools.pairwise(bounds.tolist()):
        yield Path(labels[start:stop], values[start:stop])


def seeded_tickers(tickers: Iterable[str], at_most: int, seed: int) -> list[str]:
    """At most so many of the tickers, in alphabetical order.

    Each has a number made from the seed and its name and the smallest are taken, so a ticker more or
    less changes one of them at most.
    """
    chosen = sorted(set(tickers), key=lambda ticker: (seed_bytes(seed, ticker), ticker))[:at_most]
    return sorted(chosen)


def common_shifts(longest: int, draws: int, seed: int) -> Integers:
    """Shifts in rows, shape (at most `draws`,): of 60 to `longest` − 60, each once, in random order.

    Fewer where there are fewer; none where the longest path is shorter than 120 rows.
    """
    every = np.arange(LEAST_SHIFT, max(longest - LEAST_SHIFT + 1, LEAST_SHIFT))
    return np.random.default_rng(seed).permutation(every)[:draws]


def shifted_sums(
    paths: Iterable[Path], states: int, shifts: Integers
) -> tuple[Floats, Floats, int]:
    """Rows and sums by shift and state, shape (shifts, states) each, and the number of paths used.

    With shift s the value of row i meets the label of row (i − s) modulo the length of its path. All
    shifts of a path at once are a circular correlation, so a path of L rows costs L·log L and not
    L times the shifts. Paths are added in their order.
    """
    count, total = np.zeros((2, len(shifts), states))
    used = 0
    for labels, values in _long(paths):
        used += 1
        outcome = values.astype(np.float64)
        there = ~np.isnan(outcome)
        members = labels[None, :] == np.arange(states)[:, None]
        both = np.stack([there.astype(np.float64), np.where(there, outcome, 0.0)])
        spectrum = np.conj(fft.rfft(members.astype(np.float64), axis=1))
        products = fft.rfft(both, axis=1)[:, None, :] * spectrum[None, :, :]
        correlated = fft.irfft(products, n=len(labels), axis=2)[:, :, shifts % len(labels)]
        # Counts are whole numbers: what the transform left of rounding is taken off.
        count += np.rint(correlated[0]).T
        total += correlated[1].T
    return count, total, used


def shifted_labels(
    paths: Iterable[Path],
    states: int,
    shifts: Integers,
    *,
    weight: Floats | None = None,
) -> Shifted:
    """The separation of the data beside that of every shift; paths under 120 rows are left out.

    `weight`, shape (states, states), is `equality_weight` of the data: then `w` is told too.
    """
    every = np.concatenate([np.zeros(1, dtype=np.int64), shifts])
    count, total, used = shifted_sums(paths, states, every)
    some = count > 0
    means = np.where(some, total / np.where(some, count, 1.0), np.nan)
    told = some.sum(axis=1) > 1
    high = np.where(some, means, -np.inf).max(axis=1, initial=-np.inf)
    low = np.where(some, means, np.inf).min(axis=1, initial=np.inf)
    apart = np.where(told, high - low, np.nan)
    w = np.full(len(shifts), np.nan)
    if weight is not None:
        complete = some[1:].all(axis=1)
        w[complete] = quadratic(means[1:][complete], weight)
    known = told[0] and len(shifts) > 0
    beaten = int((apart[1:] >= apart[0]).sum())
    return Shifted(
        value=float(apart[0]) if told[0] else None,
        shifts=shifts,
        separations=apart[1:],
        w=w,
        paths=used,
        p=(1 + beaten) / (len(shifts) + 1) if known else None,
    )


def _long(paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in paths if len(path.labels) >= LEAST_PATH)
