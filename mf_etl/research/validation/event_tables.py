"""Changes of state as events, from rows: what followed them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import polars as pl

from mf_etl.research.datasets.columns import OPEN_BARS
from mf_etl.research.inference.draws import Draws
from mf_etl.research.validation.events import EventSums, Labels, event_paths, event_summary
from mf_etl.research.validation.request import ValidationOptions
from mf_etl.research.validation.rows import (
    MarketDays,
    labelled_pieces,
    numbers,
    over_market,
)
from mf_etl.schemas.validation_tables import EVENT_PATHS, EVENT_SUMMARY

DAY = OPEN_BARS[0]
"""The horizon of one day that events are followed by."""


def event_tables(
    dataset: Path,
    labels: Path,
    market: MarketDays,
    states: int,
    draws: Draws | None,
    asked: ValidationOptions,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `EVENT_PATHS` and `EVENT_SUMMARY`; empty without a market, or without an event.

    `market` has the horizon of one day. The days drawn are those of the events' rows, in blocks as
    long as those of `draws`.
    """
    empty = EVENT_PATHS.schema().to_frame(), EVENT_SUMMARY.schema().to_frame()
    if draws is None:
        return empty
    span = pl.scan_parquet(labels, glob=False).select(
        pl.min("trade_date").alias("first"), pl.max("trade_date").alias("last")
    )
    first, last = span.select(pl.all().to_physical()).collect().row(0)
    days = market.days[(market.days >= first) & (market.days <= last)]
    sums = EventSums(days, states, h=asked.h)
    columns = ["segment_no", "eligible", f"fwd_xs_{DAY}", f"fwd_oo_{DAY}"]
    for rows in labelled_pieces(dataset, labels, columns):
        excess = over_market(rows, DAY, market)
        entered = np.where(np.isnan(excess), np.nan, numbers(rows, f"fwd_oo_{DAY}"))
        day = rows.get_column("trade_date").to_physical().to_numpy()
        state = rows.get_column("state").fill_null(-1).to_numpy()
        fold = rows.get_column("fold").fill_null(-1).to_numpy()
        series = rows.select(pl.struct("ticker", "exchange", "segment_no").rle_id()).to_series()
        bounds = np.flatnonzero(np.diff(series.to_numpy().astype(np.int64), prepend=-1, append=-1))
        for start, stop in itertools.pairwise(bounds.tolist()):
            part = slice(start, stop)
            sums.add(Labels(day[part], state[part], fold[part], excess[part], entered[part]))
    if not sums.events.any():
        return empty
    drawn = Draws(len(days), min(draws.block, len(days) // 2), draws.replications, draws.seed)
    own_market = market.mean[DAY][np.searchsorted(market.days, days)]
    paths = event_paths(sums, drawn).select(EVENT_PATHS.names)
    return paths, event_summary(sums, drawn, own_market, h=asked.h).select(EVENT_SUMMARY.names)
