"""The equal-weight market of a universe, from the silver base series of every listing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import polars as pl

from mf_etl.processes import in_processes
from mf_etl.research.datasets.market import MarketSums, Part
from mf_etl.research.datasets.reading import LISTINGS_A_PIECE, read_columns
from mf_etl.research.datasets.rows import Bars, Trading, market_parts
from mf_etl.research.datasets.selection import Listing

COLUMNS = (
    *("ticker", "exchange", "trade_date", "segment_no"),
    *("open", "close", "volume", "quality_warn_count"),
)


def market_table(
    listings: Iterable[Listing], *, min_adv: float, min_names: int, eps: float, threads: int = 1
) -> pl.DataFrame:
    """The rows of `EQUAL_WEIGHT_MARKET`: see `MarketSums.table`.

    Listings are read in up to `threads` processes and added in their order, so memory does not grow
    with their number but for what the last rows of each hold, and the sums do not depend on
    `threads`. Raises `ResearchError` for a file that cannot be used.
    """
    sums = MarketSums()
    read = partial(_parts, min_adv=min_adv, eps=eps)
    for parts in in_processes(read, list(listings), threads, at_a_time=LISTINGS_A_PIECE):
        for part in parts:
            sums.add(part)
    return sums.table(min_names)


def _parts(listing: Listing, *, min_adv: float, eps: float) -> list[Part]:
    rows = read_columns(listing, listing.base, "silver base series", COLUMNS)
    return market_parts(Bars.of(rows), Trading(listing.instrument == "stock", min_adv, eps))
