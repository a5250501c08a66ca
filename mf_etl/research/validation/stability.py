"""Whether states mean the same from year to year, and how long they last."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mf_etl.research.inference.draws import Draws
from mf_etl.research.inference.sums import Floats, Integers, Sums


@dataclass(frozen=True)
class Years:
    """Mean outcomes by year and state, shape (years, states), their block errors, and their draws.

    `drawn` has shape (replications, years, states). NaN where a year holds no row of a state.
    """

    years: Integers
    mean: Floats
    se_block: Floats
    drawn: Floats


def by_year(sums: Sums, h: int, *, block: int, replications: int, seed: int) -> Years:
    """Outcomes of horizon `h` by calendar year, days of `sums` being days since 1970.

    The last h dates of a year are left out: their outcomes are the next year's. Years are drawn
    apart, in blocks of `block` days or, in a short year, a third of it. Years of fewer than 3 + h
    dates are left out.
    """
    year = sums.days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    told, means, drawn = [], [], []
    for one in np.unique(year):
        dates = np.flatnonzero(year == one)[: -h or None]
        if len(dates) < 3:
            continue
        part = sums.on(np.isin(np.arange(len(year)), dates))
        told.append(int(one))
        means.append(part.mean)
        draws = Draws(
            len(dates), max(1, min(block, len(dates) // 3)), replications, seed + int(one)
        )
        drawn.append(draws.means(part))
    shape = (0, sums.total.shape[1])
    mean = np.array(means) if means else np.empty(shape)
    every = np.stack(drawn, axis=1) if drawn else np.empty((replications, *shape))
    return Years(np.array(told), mean, every.std(axis=0, ddof=1), every)


def rank_agreement(mean: Floats) -> Floats:
    """Kendall's tau-b of the states' means between consecutive years, averaged; NaN where none.

    `mean` has shape (…, years, states), the result (…). States without a mean in one of two years are
    left out of that pair of years.
    """
    one, other = np.triu_indices(mean.shape[-1], 1)
    signs = np.sign(mean[..., one] - mean[..., other])
    before, after = signs[..., :-1, :], signs[..., 1:, :]
    known = ~np.isnan(before * after)
    agree = np.where(known, before * after, 0.0).sum(axis=-1)
    untied = [(known & (side != 0)).sum(axis=-1) for side in (before, after)]
    pairs = np.sqrt(untied[0] * untied[1])
    there = pairs > 0
    taus = np.where(there, agree / np.where(there, pairs, 1.0), 0.0).sum(axis=-1)
    count = there.sum(axis=-1)
    found: Floats = np.where(count > 0, taus / np.maximum(count, 1), np.nan)
    return found


class Agreement(NamedTuple):
    """Average tau and its 95 % interval by draws of dates."""

    tau: float
    lo: float
    hi: float


def agreement(years: Years) -> Agreement:
    """`rank_agreement` of the data, and the 2.5 and 97.5 % quantiles of it over the draws."""
    drawn = rank_agreement(years.drawn)
    known = drawn[~np.isnan(drawn)]
    bounds = np.quantile(known, (0.025, 0.975)) if len(known) else (np.nan, np.nan)
    return Agreement(float(rank_agreement(years.mean)), float(bounds[0]), float(bounds[1]))


class Homogeneity(NamedTuple):
    """Cochran's Q that a state has one mean in all years, and its p value."""

    q: float
    p: float


def homogeneity(mean: Floats, error: Floats) -> Homogeneity:
    """Q = Σ (m_y − m̄)²/se_y² with m̄ weighted by 1/se², against χ² of years − 1; shape (years,)."""
    known = ~np.isnan(mean) & (error > 0)
    if known.sum() < 2:
        return Homogeneity(float("nan"), float("nan"))
    weight = 1 / np.square(error[known])
    centre = (weight * mean[known]).sum() / weight.sum()
    q = float((weight * np.square(mean[known] - centre)).sum())
    return Homogeneity(q, float(stats.chi2.sf(q, known.sum() - 1)))


def share_drift(shares: Floats, train: Floats) -> Floats:
    """Jensen–Shannon divergence (bits, 0 to 1) of each year's shares from train's, shape (years,).

    `shares` has shape (years, states), `train` (states,); each adds up to 1.
    """

    def entropy(p: Floats) -> Floats:
        logs = np.log2(np.where(p > 0, p, 1.0))
        total: Floats = -(p * logs).sum(axis=-1)
        return total

    middle = (shares + train) / 2
    drift: Floats = np.maximum(entropy(middle) - (entropy(shares) + entropy(train)) / 2, 0.0)
    return drift


def transition_drift(train: Floats, year: Floats) -> float:
    """Σ_i π_i·½Σ_j |a_ij − a_ij,year| from counts, shape (states, states): how far steps differ.

    π is train's share of rows to step from; states without steps in either are left out of it.
    """
    from_train, from_year = train.sum(axis=1), year.sum(axis=1)
    both = (from_train > 0) & (from_year > 0)
    if not both.any():
        return float("nan")
    share = from_train[both] / from_train[both].sum()
    apart = np.abs(train[both] / from_train[both, None] - year[both] / from_year[both, None])
    return float((share * apart.sum(axis=1) / 2).sum())


@dataclass(frozen=True)
class Dwell:
    """Runs of one state, in rows; the last run of a sequence is cut off and only lasts as long.

    `km_mean` is restricted to the longest run seen. None where nothing can be told.
    """

    runs: int
    cut_off: int
    km_mean: float | None
    km_median: float | None
    lo: float | None
    hi: float | None


def dwell(lengths: Integers, cut_off: NDArray[np.bool_]) -> Dwell:
    """Kaplan–Meier mean and median of run lengths, and the 95 % interval of the median.

    `cut_off`, shape (runs,), says which runs the end of the data ended. The interval inverts the
    pointwise log-log bounds of the survival curve.
    """
    runs, cut = len(lengths), int(cut_off.sum())
    if runs == cut:
        return Dwell(runs, cut, None, None, None, None)
    curve = _curve(lengths, cut_off)
    with warnings.catch_warnings():
        # Where all runs have ended the bounds are not defined; a comparison with them is false.
        warnings.simplefilter("ignore", RuntimeWarning)
        bounds = curve.confidence_interval(0.95, method="log-log")
    low, high = (one.probabilities for one in bounds)
    return Dwell(
        runs,
        cut,
        survival_mean(curve.quantiles, curve.probabilities),
        *(_first_below(curve.quantiles, p) for p in (curve.probabilities, low, high)),
    )


def _curve(lengths: Integers, cut_off: NDArray[np.bool_]) -> Any:
    """The Kaplan–Meier curve; at least one run has ended."""
    data = stats.CensoredData(uncensored=lengths[~cut_off], right=lengths[cut_off])
    return stats.ecdf(data).sf


def survival_mean(lengths: Floats, survival: Floats) -> float:
    """Area below a survival curve that is 1 before the first of `lengths`."""
    steps = np.diff(lengths, prepend=0.0)
    before = np.concatenate([np.ones(1), survival[:-1]])
    return float((steps * before).sum())


def _first_below(lengths: Floats, survival: Floats) -> float | None:
    """The shortest length that at most half of the runs outlast."""
    below = np.flatnonzero(survival <= 0.5)
    return float(lengths[below[0]]) if len(below) else None


Sampler = Callable[[np.random.Generator, int], Integers]


def geometric(stay: float) -> Sampler:
    """Run lengths of a chain that stays with probability `stay`, between 0 and 1."""
    return lambda random, count: random.geometric(1 - stay, count)


def dwell_test(
    lengths: Integers,
    cut_off: NDArray[np.bool_],
    sampler: Sampler,
    *,
    draws: int = 999,
    seed: int = 0,
) -> float | None:
    """p that runs last as `sampler` makes them (two-sided).

    The Kaplan–Meier mean against that of as many simulated runs, cut off as often and as late as
    those of the data are by the Kaplan–Meier curve of being cut off. None where every run was.
    """
    if cut_off.all():
        return None

    def mean(of: Integers, cut: NDArray[np.bool_]) -> float:
        curve = _curve(of, cut)
        return survival_mean(curve.quantiles, curve.probabilities)

    told = mean(lengths, cut_off)
    random = np.random.default_rng(seed)
    limits = np.array([np.iinfo(np.int64).max])
    outlasted = np.zeros(0)
    if cut_off.any():
        # Where runs are cut off has a curve of its own, in which ends are what cuts them off.
        cuts = _curve(lengths, ~cut_off)
        limits = np.append(cuts.quantiles.astype(np.int64), limits)
        outlasted = cuts.probabilities
    simulated = np.empty(draws)
    for draw in range(draws):
        length = sampler(random, len(lengths))
        # The first limit that a share below u of the runs outlasts, or none.
        limit = limits[np.searchsorted(-outlasted, -random.random(len(lengths)))]
        cut = length > limit
        simulated[draw] = np.nan if cut.all() else mean(np.minimum(length, limit), cut)
    simulated = simulated[~np.isnan(simulated)]
    if not len(simulated):
        return None
    centre = simulated.mean()
    beyond = int((np.abs(simulated - centre) >= abs(told - centre)).sum())
    return (1 + beyond) / (len(simulated) + 1)
