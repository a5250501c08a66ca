"""Rows of one listing as a dataset has them: what gold features tell, liquidity and outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.datasets.columns import (
    BARS_LEFT,
    DELISTED,
    ENTERED,
    EXCESS,
    OUTCOME_END,
)
from mf_etl.research.datasets.liquidity import deviation, eligible, median_dollar_volume, spread
from mf_etl.research.datasets.market import Market, Part
from mf_etl.research.datasets.outcomes import (
    Floats,
    Integers,
    Segment,
    bars_left,
    close_outcomes,
    last_outcomes,
    open_outcomes,
    outcome_end,
    segments,
)


@dataclass(frozen=True)
class Bars:
    """A listing's whole, unfiltered series, or the part of it in one segment; shape (rows,) each.

    `days` since 1970, `warnings` as counted by bronze.
    """

    days: Integers
    segment_no: Integers
    open: Floats
    close: Floats
    volume: Floats
    warnings: Integers

    @classmethod
    def of(cls, *frames: pl.DataFrame) -> Bars:
        """From the frames' columns, each taken where it is found first."""

        def column(name: str) -> NDArray[Any]:
            found = next(frame.get_column(name) for frame in frames if name in frame.columns)
            return found.to_numpy()

        return cls(
            # To the number of days in numpy: each polars expression costs as much as all of this.
            column("trade_date").astype("datetime64[D]").astype(np.int32),
            column("segment_no"),
            column("open"),
            column("close"),
            column("volume"),
            column("quality_warn_count"),
        )

    def part(self, rows: slice) -> Bars:
        """These rows."""
        return Bars(
            self.days[rows],
            self.segment_no[rows],
            self.open[rows],
            self.close[rows],
            self.volume[rows],
            self.warnings[rows],
        )


@dataclass(frozen=True)
class Trading:
    """What makes a row eligible, and below what magnitude a divisor is 0."""

    is_stock: bool
    min_adv: float
    eps: float


def market_parts(bars: Bars, trading: Trading) -> list[Part]:
    """The segments of a listing as the market takes them."""
    pieces = list(segments(bars.segment_no))
    parts = []
    for segment in pieces:
        part = bars.part(segment.rows)
        adv = median_dollar_volume(part.close * part.volume)
        chosen = eligible(adv, part.warnings, is_stock=trading.is_stock, min_adv=trading.min_adv)
        full = open_outcomes(part.open, part.days, eps=trading.eps)
        last = last_outcomes(part.open, part.close, eps=trading.eps)
        full, last = (np.where(chosen & np.isfinite(x), x, np.nan) for x in (full, last))
        parts.append(Part(part.days, full, last, segment is not pieces[-1]))
    return parts


def with_outcomes(
    features: pl.DataFrame, prices: pl.DataFrame, market: Market, trading: Trading
) -> pl.DataFrame:
    """`features` of one listing, unfiltered and in date order, with all that a dataset adds.

    `prices` holds `PRICES` of the same rows. Nothing is computed across segments.
    """
    bars = Bars.of(features, prices)
    high, low = (prices.get_column(name).to_numpy() for name in ("high", "low"))
    pieces = list(segments(bars.segment_no)) or [Segment(0, 0)]
    found = []
    for segment in pieces:
        part, rows = bars.part(segment.rows), segment.rows
        ended = segment is not pieces[-1] or market.has_ended(part.days)
        adv = median_dollar_volume(part.close * part.volume)
        found.append(
            {
                "adv_20": adv,
                "sigma_20": deviation(part.close, eps=trading.eps),
                "spread_60": spread(high[rows], low[rows], part.close),
                "eligible": eligible(
                    adv, part.warnings, is_stock=trading.is_stock, min_adv=trading.min_adv
                ),
                **_outcomes(part, market, ended, trading.eps),
            }
        )
    whole = (
        found[0]
        if len(found) == 1
        else {n: np.concatenate([f[n] for f in found]) for n in found[0]}
    )
    added = [_series(name, values) for name, values in whole.items()]
    return features.hstack([prices.get_column("open"), *added])


def _outcomes(part: Bars, market: Market, ended: bool, eps: float) -> dict[str, NDArray[Any]]:
    entered = open_outcomes(part.open, part.days, eps=eps)
    if ended:
        last = last_outcomes(part.open, part.close, eps=eps)
        entered = np.where(np.isnan(last), entered, last)
    return {
        **close_outcomes(part.close, eps=eps),
        **dict(zip(ENTERED, entered, strict=True)),
        **dict(zip(EXCESS, entered - market.of(part.days), strict=True)),
        BARS_LEFT: bars_left(len(part.days)),
        OUTCOME_END: outcome_end(part.days),
        DELISTED: np.full(len(part.days), ended),
    }


def _series(name: str, values: NDArray[Any]) -> pl.Series:
    if name == OUTCOME_END:
        return pl.Series(name, values.astype(np.int32)).cast(pl.Date)
    if values.dtype == np.float64:
        return pl.Series(name, np.where(np.isfinite(values), values, np.nan), nan_to_null=True)
    return pl.Series(name, values)
