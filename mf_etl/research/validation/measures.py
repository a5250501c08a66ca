"""What is told of a row's outcome, and how sums of it by day and state are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mf_etl.research.inference.sums import DateSums, Floats, Sums, less_daily_mean

MEASURES = ("xs", "oo", "log_xs", "hit_xs", "winsor_xs")
"""Outcome over the market, outcome (told, never tested), their logs less the day's mean, share above
the market less the day's, and outcome over the market between two quantiles of train rows."""

WINSOR = (0.005, 0.995)
_LESS_DAY = ("log_xs", "hit_xs")


def measure_names(horizons: Sequence[int]) -> list[str]:
    """The columns of the sums: measure and horizon."""
    return [f"{measure}_{h}" for measure in MEASURES for h in horizons]


def measured(
    entered: Mapping[int, NDArray[np.floating[Any]]],
    excess: Mapping[int, NDArray[np.floating[Any]]],
    eligible: NDArray[np.bool_],
    bounds: Mapping[int, tuple[float, float]],
) -> dict[str, Floats]:
    """Values of every measure and horizon, shape (rows,) each, to be added to `DateSums`.

    `entered` and `excess` are fwd_oo and fwd_xs by horizon; `bounds` the quantiles `WINSOR` of fwd_xs
    over eligible train rows. NaN where a row is not eligible or its day has no market. Logs and hits
    are told before their day's mean is taken off: `state_sums` does that.
    """
    values: dict[str, Floats] = {}
    for h, outcome in excess.items():
        xs = np.where(eligible, outcome, np.nan).astype(np.float64)
        oo = np.where(np.isnan(xs), np.nan, entered[h]).astype(np.float64)
        values[f"xs_{h}"], values[f"oo_{h}"] = xs, oo
        # A loss of everything has no logarithm; no price is 0, so it is a fault of the data.
        values[f"log_xs_{h}"] = np.log1p(np.where(oo > -1, oo, np.nan))
        values[f"hit_xs_{h}"] = np.where(np.isnan(xs), np.nan, xs > 0)
        values[f"winsor_xs_{h}"] = np.clip(xs, *bounds[h])
    return values


def state_sums(sums: DateSums, horizons: Sequence[int]) -> dict[tuple[str, int], Sums]:
    """Sums by measure and horizon, one column a state, each over the days of `sums`."""
    found = {}
    for measure in MEASURES:
        for h in horizons:
            told = sums.of(f"{measure}_{h}")
            found[measure, h] = less_daily_mean(told) if measure in _LESS_DAY else told
    return found
