"""Centre and spread of features, and features scaled by them.

Everything is float64. A spread of 0 becomes 1, so a constant feature is scaled to 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError

Columns = Sequence[np.ndarray]
"""One float64 array a feature, all of one length."""


@dataclass(frozen=True)
class Moments:
    """What is known of some rows: their count and, for each feature, arrays of shape (features,).

    `squares` is the sum of squared deviations from `mean`. Without rows, `lowest` is infinite.
    """

    rows: int
    mean: np.ndarray
    squares: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray

    @classmethod
    @np.errstate(over="ignore", invalid="ignore")
    def of(cls, columns: Columns) -> Self:
        """The moments of finite values."""
        rows = len(columns[0])
        if not rows:
            zero, infinite = np.zeros(len(columns)), np.full(len(columns), np.inf)
            return cls(0, zero, zero, infinite, -infinite)
        mean = np.array([column.mean() for column in columns])
        squares = [np.square(c - m).sum() for c, m in zip(columns, mean, strict=True)]
        return cls(
            rows,
            mean,
            np.array(squares),
            np.array([column.min() for column in columns]),
            np.array([column.max() for column in columns]),
        )

    @np.errstate(over="ignore", invalid="ignore")
    def merged(self, later: Moments) -> Moments:
        """Moments of both sets of rows (Chan, Golub and LeVeque 1983)."""
        rows = self.rows + later.rows
        if not rows:
            return self
        difference = later.mean - self.mean
        share = later.rows / rows
        return Moments(
            rows,
            self.mean + difference * share,
            self.squares + later.squares + np.square(difference) * (share * self.rows),
            np.minimum(self.lowest, later.lowest),
            np.maximum(self.highest, later.highest),
        )

    @property
    def constant(self) -> np.ndarray:
        """Which features have one value only (bool)."""
        return np.asarray(self.lowest == self.highest)


@dataclass(frozen=True)
class Scaling:
    """Parameters of a scaler: arrays of shape (tickers, features), or (1, features) for all rows.

    `zero_spread` marks spreads that were 0 and are 1. `tickers` is None for one global scaler.
    """

    features: tuple[str, ...]
    tickers: tuple[str, ...] | None
    centre: np.ndarray
    spread: np.ndarray
    zero_spread: np.ndarray

    @classmethod
    def stacked(
        cls,
        features: tuple[str, ...],
        tickers: tuple[str, ...] | None,
        parameters: Sequence[tuple[np.ndarray, np.ndarray]],
    ) -> Self:
        """From one centre and spread a ticker, in the order of `tickers`.

        Raises `ResearchError` for a feature too large for its spread to be a float64.
        """
        centre = np.stack([centre for centre, _ in parameters])
        spread = np.stack([spread for _, spread in parameters])
        finite = np.isfinite(spread).all(axis=0)
        if not finite.all():
            raise ResearchError(
                f"feature {features[int(np.argmin(finite))]} is too large to be scaled; leave it out"
            )
        zero = spread == 0
        return cls(features, tickers, centre, np.where(zero, 1.0, spread), zero)

    def frame(self) -> pl.DataFrame:
        """ticker (null for global), feature, centre and spread, by ticker and feature order."""
        scalers, features = self.centre.shape
        names = pl.Series("ticker", self.tickers or [None], dtype=pl.String)
        return pl.DataFrame(
            {
                "ticker": names.gather(np.repeat(np.arange(scalers), features)),
                "feature": list(self.features) * scalers,
                "centre": self.centre.ravel(),
                "spread": self.spread.ravel(),
            }
        )

    def scaled(
        self, columns: Columns, scaler: np.ndarray, clip: float | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The scaled matrix (float32, C order, (rows, features)) and clipped values a feature.

        `scaler` says which row of the parameters each row is scaled by.
        """
        matrix = np.empty((len(scaler), len(columns)), dtype=np.float32)
        clipped = np.zeros(len(columns), dtype=np.int64)
        for j, column in enumerate(columns):
            with np.errstate(over="ignore"):
                z = (column - self.centre[scaler, j]) / self.spread[scaler, j]
                if clip is not None:
                    clipped[j] = np.count_nonzero(np.abs(z) > clip)
                    np.clip(z, -clip, clip, out=z)
                matrix[:, j] = z
        return matrix, clipped


def read_scaling(path: Path, features: tuple[str, ...]) -> Scaling:
    """The scaling in a ``scaler_params.parquet``; raises `ResearchError` if it is not of `features`."""
    try:
        parameters = pl.read_parquet(path, glob=False)
        if tuple(parameters.get_column("feature").head(len(features))) != features:
            raise ResearchError(f"scaler {path} is of other features; do the run again")
        centre, spread = (
            parameters.get_column(name).to_numpy().reshape(-1, len(features))
            for name in ("centre", "spread")
        )
        tickers = parameters.get_column("ticker").gather_every(len(features))
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise ResearchError(f"scaler {path}: {reason}; do the run again") from None
    names = None if tickers.null_count() else tuple(tickers)
    return Scaling(features, names, centre, spread, np.zeros(centre.shape, dtype=bool))


def standard_parameters(moments: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population standard deviation; exactly the value and 0 for a constant feature.

    The mean of equal values can be off by a rounding, and their deviation then not quite 0.
    """
    deviation = np.sqrt(moments.squares / moments.rows)
    constant = moments.constant
    return np.where(constant, moments.lowest, moments.mean), np.where(constant, 0.0, deviation)


def robust_parameters(columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Median and interquartile range, by linear interpolation between order statistics.

    The arrays are reordered in place, so that a column of a whole dataset is held once.
    """
    quartiles = np.array(
        [np.percentile(column, (25, 50, 75), overwrite_input=True) for column in columns]
    )
    return quartiles[:, 1], quartiles[:, 2] - quartiles[:, 0]


def _standard(columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    return standard_parameters(Moments.of(columns))


PARAMETERS: dict[str, Callable[[Columns], tuple[np.ndarray, np.ndarray]]] = {
    "standard": _standard,
    "robust": robust_parameters,
}
"""Centre and spread by scaler, from columns held in memory."""
