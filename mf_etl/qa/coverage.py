"""Dates on which many tickers begin or end at once: of the archive's making, not of the market's."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from mf_etl.qa.summary import statistics_of
from mf_etl.schemas.statistics import EDGE_DATES


def coverage_steps(bronze: pl.DataFrame, *, share: float, tickers: int) -> list[dict[str, Any]]:
    """Date, tickers that begin and end on it, and tickers alive then, in order of date.

    A date is told if at least `share` of the tickers alive on it, and at least so many `tickers`,
    begin, or end; but for the archive's first and last `EDGE_DATES` dates, where tickers begin and
    end with the archive itself. `bronze` is the summary of the bronze files.
    """
    spans = bronze.select("first_trade_date", "last_trade_date").drop_nulls()
    if spans.is_empty():
        return []
    first, last = (spans.get_column(name).to_numpy().astype("M8[D]") for name in spans.columns)
    days = np.unique(np.concatenate([first, last]))
    starts, ends = np.sort(first), np.sort(last)
    not_after = np.searchsorted(starts, days, side="right")
    alive = not_after - np.searchsorted(ends, days, side="left")
    begin = not_after - np.searchsorted(starts, days, side="left")
    end = np.searchsorted(ends, days, side="right") - np.searchsorted(ends, days, side="left")
    enough = np.maximum(share * alive, tickers)
    # A date that is among the first of the archive is so in each ticker that has it, and likewise at
    # the end: all these dates are in the `edges` of the tickers.
    edges = statistics_of(bronze).filter(pl.col("statistic") == "edges").get_column("key")
    dates = edges.unique().sort().str.to_date().to_numpy().astype("M8[D]")
    if len(dates) <= 2 * EDGE_DATES:
        return []
    is_inside = (days > dates[EDGE_DATES - 1]) & (days < dates[-EDGE_DATES])
    told = is_inside & ((begin >= enough) | (end >= enough))
    return [
        {
            "trade_date": str(days[i]),
            "begin": int(begin[i]),
            "end": int(end[i]),
            "alive": int(alive[i]),
        }
        for i in np.flatnonzero(told).tolist()
    ]
