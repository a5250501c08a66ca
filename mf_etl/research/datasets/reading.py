"""Columns of a listing's layer files, with one line where a file cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import CONTEXT, FEATURES, PRICES
from mf_etl.research.datasets.selection import Listing

LISTINGS_A_PIECE = 32
"""Listings that a process is handed at a time; a universe of fewer is read in one."""

FEATURE_COLUMNS = ("ticker", "exchange", "trade_date", *FEATURES, *CONTEXT, "run_id")


def read_features(listing: Listing) -> pl.DataFrame:
    """The columns of gold features that a dataset passes on or computes with.

    Raises `ResearchError` if the file is missing, is not one of gold features, or is not of the
    ticker and exchange that it stands for.
    """
    return read_columns(listing, listing.features, "gold features", FEATURE_COLUMNS)


def read_prices(listing: Listing, features: pl.DataFrame) -> pl.DataFrame:
    """`PRICES` of the rows of `features`, from the silver base series.

    Raises `ResearchError` as `read_features`, and if the rows are not those of `features`.
    """
    columns = ("ticker", "exchange", "trade_date", *PRICES)
    prices = read_columns(listing, listing.base, "silver base series", columns)
    if not prices.get_column("trade_date").equals(features.get_column("trade_date")):
        raise ResearchError(
            f"silver base series {listing.base}: other days than {listing.features}; "
            "build the gold features again"
        )
    return prices


def read_columns(listing: Listing, path: Path, what: str, columns: Sequence[str]) -> pl.DataFrame:
    """These columns of a layer file of `listing`; among them must be ticker and exchange."""
    remedy = f"build the {what} again"
    try:
        # How many run at once is the caller's to say, so none of the reader's own.
        frame = pl.read_parquet(path, columns=list(columns), glob=False, parallel="none")
    except pl.exceptions.ColumnNotFoundError:
        missing = sorted(set(columns).difference(pl.read_parquet_schema(path)))
        raise ResearchError(f"{what} {path}: no {missing[0]}; {remedy}") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ResearchError(f"{what} {path}: {reason}; {remedy}") from None
    for name in ("ticker", "exchange"):
        if frame.height and frame.get_column(name)[0] != getattr(listing, name):
            raise ResearchError(
                f"{what} {path}: {name} is {frame.get_column(name)[0]}, "
                f"not {getattr(listing, name)}; {remedy}"
            )
    return frame
