"""The tickers that there are, from the summaries of their layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.qa.summary import read_summaries
from mf_etl.research.datasets.selection import Listing


def listings(base: Sequence[Path], features: Sequence[Path] = ()) -> list[Listing]:
    """A listing for each row of the summaries of silver base, ordered by ticker, then exchange.

    With the summaries of gold features, their files as well.
    """
    rows = _files(base, "base")
    if features:
        rows = rows.join(_files(features, "features").drop("instrument"), on=["exchange", "ticker"])
    return [
        Listing(exchange, ticker, instrument or "", *map(Path, files))
        for exchange, ticker, instrument, *files in rows.sort("ticker", "exchange").rows()
    ]


def _files(summaries: Sequence[Path], name: str) -> pl.DataFrame:
    """Exchange, ticker, instrument and path, under `name`, of each row of summaries."""
    return read_summaries(summaries).select(
        "exchange", "ticker", "instrument", pl.col("path").alias(name)
    )


def all_there(chosen: list[Listing], summaries: Sequence[Path]) -> list[Listing]:
    """The `chosen` listings; `ResearchError` names what could not be built."""
    failed = pl.read_parquet(list(summaries), glob=False).filter(~pl.col("success"))
    wanted = {listing[:2] for listing in chosen}
    lines = {
        (exchange, ticker): error or ticker
        for exchange, ticker, error in failed.select("exchange", "ticker", "error").rows()
        if (exchange, ticker) in wanted
    }
    if lines:
        first = lines[min(lines)]
        raise ResearchError(f"{len(lines)} of {len(chosen)} tickers could not be built: {first}")
    return chosen
