"""How far apart states' outcomes are: largest less smallest mean, with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mf_etl.research.inference.draws import Draws
from mf_etl.research.inference.intervals import differences, estimates_of
from mf_etl.research.inference.sums import Floats, Sums


@dataclass(frozen=True)
class Separation:
    """Largest less smallest mean of the states, with a 95 % interval by whole dates.

    None where fewer than two states can be told of. `highest` and `lowest` are columns.
    """

    value: float | None
    lo: float | None
    hi: float | None
    highest: int | None
    lowest: int | None
    dates: int
    block: int


def separation(sums: Sums, draws: Draws) -> Separation:
    """The separation of the columns of `sums`.

    Which states are highest and lowest is found in the same data, so the interval of that pair's
    difference alone would be too good. The bounds hold for all pairs at once: c is the 95 % quantile
    of the largest |t*| of all pairs, lo = max(0, largest of difference − c·se) and hi = largest of
    difference + c·se over the pairs.
    """
    mean, drawn = sums.mean, draws.means(sums)
    found = estimates_of(mean, drawn, draws.widening)
    value, highest, lowest = spread(mean)
    none = Separation(value, None, None, highest, lowest, len(sums.days), draws.block)
    if found.tested.sum() < 2:
        return none
    _, pair = differences(found, drawn, draws.widening)
    if not pair.tested.all():
        return none
    critical = float(np.quantile(np.abs(pair.stars).max(axis=1), 0.95))
    apart, half = np.abs(pair.mean), critical * pair.se_block
    lo, hi = max(0.0, float((apart - half).max())), float((apart + half).max())
    return Separation(value, lo, hi, highest, lowest, len(sums.days), draws.block)


def spread(mean: Floats) -> tuple[float | None, int | None, int | None]:
    """Largest less smallest of the means that there are, and which columns these are."""
    there = np.flatnonzero(~np.isnan(mean))
    if len(there) < 2:
        return None, None, None
    highest, lowest = (int(there[f(mean[there])]) for f in (np.argmax, np.argmin))
    return float(mean[highest] - mean[lowest]), highest, lowest
