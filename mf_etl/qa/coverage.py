"""Dates on which many tickers begin or end at once: of the archive's making, not of the market's."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

# Trading days at either end of the archive, where tickers begin and end with the archive itself.
EDGE_DATES = 20


def coverage_steps(bronze: pl.DataFrame, *, share: float, tickers: int) -> list[dict[str, Any]]:
    """Date, tickers that begin and end on it, and tickers alive then, in order of date.

    A date is told if at least `share` of the tickers alive on it, and at least so many `tickers`,
    begin, or end. Weekdays stand for the archive's dates where those of its edges are counted.
    `bronze` has `first_trade_date` and `last_trade_date` of each ticker, null without a bar.
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
    is_inside = (np.busday_count(starts[0], days) >= EDGE_DATES) & (
        np.busday_count(days, ends[-1]) >= EDGE_DATES
    )
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
