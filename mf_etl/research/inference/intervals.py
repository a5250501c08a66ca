"""Means with errors, intervals and p values from draws of whole dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mf_etl.research.inference.draws import Draws
from mf_etl.research.inference.sums import Floats, Integers, Sums

NORMAL = 1.959963984540054
"""The quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Estimates:
    """Of each column, shape (columns,); NaN where it cannot be tested.

    A column is tested if it varies and no draw is without a row of it: what lies on a handful of
    days bears no inference. `stars` are the recentred draws t* = (m* − m)/se_block widened by
    `Draws.widening`, shape (replications, columns): what each |t| is compared with.
    """

    mean: Floats
    se_block: Floats
    lo: Floats
    hi: Floats
    t: Floats
    p: Floats
    stars: Floats

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Which columns are."""
        return ~np.isnan(self.t)


def estimates(sums: Sums, draws: Draws) -> Estimates:
    """Estimates of the columns' means."""
    return estimates_of(sums.mean, draws.means(sums), draws.widening)


def estimates_of(value: Floats, drawn: Floats, widening: float) -> Estimates:
    """Estimates of any statistics: `value` (columns,) in the data, `drawn` (replications, columns).

    lo and hi = value ∓ 1.96·widening·se_block, with se_block the standard deviation of `drawn`;
    p = (1 + #{widening·|t*| ≥ |t|})/(replications + 1), two-sided.
    """
    known = ~np.isnan(drawn).any(axis=0) & ~np.isnan(value)
    centre = np.where(known, value, 0.0)
    error = np.where(known, drawn, 0.0).std(axis=0, ddof=1)
    known &= error > 1e-14 * np.maximum(np.abs(centre), 1e-300)
    se = np.where(known, error, np.nan)
    stars = widening * (drawn - centre) / np.where(known, error, 1.0)
    stars[:, ~known] = np.nan
    t = value / se
    half = NORMAL * widening * se
    return Estimates(value, se, value - half, value + half, t, _p_values(stars, t), stars)


def _p_values(stars: Floats, t: Floats) -> Floats:
    beyond = (np.abs(stars) >= np.abs(t)).sum(axis=0)
    return np.where(np.isnan(t), np.nan, (1 + beyond) / (len(stars) + 1))


def stepdown(stars: Floats, t: Floats) -> Floats:
    """Adjusted p values of a family, shape (columns,): the step-down max-|t| of Romano and Wolf (2016).

    `stars` (replications, columns) are recentred draws, `t` (columns,) the statistics; two-sided.
    Columns with a NaN t are no part of the family and get NaN.
    """
    tested = np.flatnonzero(~np.isnan(t))
    order = tested[np.argsort(-np.abs(t[tested]), kind="stable")]
    adjusted = np.full(len(t), np.nan)
    # The largest |t*| of the hypotheses still there: of all first, then without the strongest, …
    largest = np.maximum.accumulate(np.abs(stars[:, order[::-1]]), axis=1)[:, ::-1]
    beyond = (largest >= np.abs(t[order])).sum(axis=0)
    adjusted[order] = np.maximum.accumulate((1 + beyond) / (len(stars) + 1))
    return adjusted


def false_discovery(p: Floats) -> Floats:
    """q values of Benjamini and Yekutieli (2001), which hold under any dependence; NaN stays."""
    tested = ~np.isnan(p)
    q = np.full(len(p), np.nan)
    if tested.any():
        q[tested] = stats.false_discovery_control(p[tested], method="by")
    return q


def pairs(columns: Integers) -> Iterator[tuple[int, int]]:
    """Each pair of these once."""
    for position, one in enumerate(columns):
        for other in columns[position + 1 :]:
            yield int(one), int(other)


def differences(found: Estimates, drawn: Floats, widening: float) -> tuple[Integers, Estimates]:
    """Each pair of tested columns, shape (pairs, 2), and the estimates of first less second."""
    which = np.array(list(pairs(np.flatnonzero(found.tested))), dtype=np.int64).reshape(-1, 2)
    one, other = which.T
    return which, estimates_of(
        found.mean[one] - found.mean[other], drawn[:, one] - drawn[:, other], widening
    )


@dataclass(frozen=True)
class Wald:
    """A joint test that `columns` tested columns have one mean; None where it cannot be made."""

    columns: int
    w: float | None
    p: float | None


def equal_means(mean: Floats, drawn: Floats, widening: float) -> Wald:
    """W = (Rm)'(RΣR')⁻¹(Rm), R the differences from the first column, Σ of the draws.

    p = (1 + #{W* ≥ W})/(replications + 1) with W* of the recentred draws, widened.
    """
    weight = equality_weight(drawn)
    columns = len(mean)
    if weight is None:
        return Wald(columns, None, None)
    centred = widening * (drawn - mean)
    w = quadratic(mean[None, :], weight)[0]
    beyond = int((quadratic(centred, weight) >= w).sum())
    return Wald(columns, float(w), (1 + beyond) / (len(drawn) + 1))


def equality_weight(drawn: Floats) -> Floats | None:
    """R'(RΣR')⁻¹R, shape (columns, columns), or None with fewer than two columns.

    The pseudo-inverse: what two columns share entirely is counted once.
    """
    columns = drawn.shape[1]
    if columns < 2 or np.isnan(drawn).any():
        return None
    contrast = np.hstack([-np.ones((columns - 1, 1)), np.eye(columns - 1)])
    covariance = contrast @ np.cov(drawn.T, ddof=1) @ contrast.T
    weight: Floats = contrast.T @ np.linalg.pinv(covariance, hermitian=True) @ contrast
    return weight


def quadratic(rows: Floats, weight: Floats) -> Floats:
    """x'Wx of each row x; shape (rows,)."""
    squares: Floats = np.einsum("ri,ij,rj->r", rows, weight, rows)
    return squares
