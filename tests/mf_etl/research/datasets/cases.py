"""Hand-made gold features for tests of datasets and of what is prepared from them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.io import ParquetOptions
from mf_etl.research.datasets.export import export_dataset
from mf_etl.research.datasets.market import Market, market_of
from mf_etl.research.datasets.market_table import market_table
from mf_etl.research.datasets.request import DatasetRequest
from mf_etl.research.datasets.selection import Listing, selected
from mf_etl.schemas.declaration import HELPER
from mf_etl.schemas.gold_features import GOLD_FEATURES
from mf_etl.schemas.silver_base import SILVER_BASE

FIRST_DAY = datetime.date(2020, 1, 1)
EPOCH_DAY = (FIRST_DAY - datetime.date(1970, 1, 1)).days
OPTIONS = ParquetOptions()


def day(number: int) -> datetime.date:
    """The day of row `number` of a frame made here."""
    return FIRST_DAY + datetime.timedelta(number)


def feature_frame(
    ticker: str,
    rows: int,
    *,
    exchange: str = "NYSE",
    first_day: datetime.date = FIRST_DAY,
    seed: int = 0,
    close: Sequence[float] | None = None,
    **columns: object,
) -> pl.DataFrame:
    """`GOLD_FEATURES` of a ticker on consecutive days: noise, but for what `columns` sets."""
    random = np.random.default_rng([seed, *ticker.encode(), *exchange.encode()])
    days = [first_day + datetime.timedelta(number) for number in range(rows)]
    values: dict[str, object] = {}
    for column in GOLD_FEATURES.columns:
        if column.dtype is HELPER:
            values[column.name] = random.normal(size=rows)
        elif column.dtype == pl.Boolean:
            values[column.name] = random.random(rows) < 0.5
        elif column.dtype == pl.String:
            values[column.name] = "x"
        else:
            values[column.name] = random.integers(0, 9, rows)
    path = np.exp(np.cumsum(random.normal(0, 0.02, rows)))
    values |= {
        "ticker": ticker,
        "exchange": exchange,
        "trade_date": pl.Series(days, dtype=pl.Date),
        "trade_dt": pl.Series(days, dtype=pl.Date).cast(pl.Datetime("us")),
        "close": path if close is None else np.array(close, dtype=float),
        "segment_no": 1,
        "run_id": f"run of {ticker}",
    }
    return GOLD_FEATURES.frame(values | columns, rows)


def base_frame(features: pl.DataFrame, **columns: object) -> pl.DataFrame:
    """`SILVER_BASE` of the rows of `features`: prices around their close, but for what is set."""
    rows = features.height
    # Not by the number of rows: more of them are the same ones and others.
    random = np.random.default_rng([3, *str(features["ticker"].first()).encode()])
    close = features["close"].to_numpy()
    opened = close * np.exp(0.01 * random.normal(size=rows))
    values: dict[str, object] = {
        column.name: (
            "x"
            if column.dtype == pl.String
            else random.random(rows) < 0.5
            if column.dtype == pl.Boolean
            else random.normal(size=rows)
            if column.dtype is HELPER
            else random.integers(0, 9, rows)
        )
        for column in SILVER_BASE.columns
    }
    shared = {name: features[name] for name in SILVER_BASE.names if name in features.columns}
    values |= shared | {
        "open": opened,
        "high": np.maximum(opened, close) * 1.01,
        "low": np.minimum(opened, close) / 1.01,
    }
    return SILVER_BASE.frame(values | columns, rows)


def written(folder: Path, *frames: pl.DataFrame, instrument: str = "stock") -> list[Listing]:
    """Each frame as the gold features of its ticker and exchange, with a silver base series."""
    listings = []
    for frame in frames:
        exchange, ticker = frame["exchange"][0], frame["ticker"][0]
        parent = folder / f"exchange={exchange}" / f"ticker={ticker}"
        listing = Listing(
            exchange, ticker, instrument, parent / "base.parquet", parent / "features.parquet"
        )
        GOLD_FEATURES.write(frame, listing.features, OPTIONS)
        SILVER_BASE.write(base_frame(frame), listing.base, OPTIONS)
        listings.append(listing)
    return listings


def market_over(listings: Sequence[Listing], min_adv: float = 0.0, min_names: int = 1) -> Market:
    """The equal-weight market of these listings."""
    ordered = sorted(listings, key=lambda one: (one.ticker, one.exchange))
    return market_of(market_table(ordered, min_adv=min_adv, min_names=min_names, eps=1e-12))


MARKET = Market(
    np.arange(EPOCH_DAY - 500, EPOCH_DAY + 500, dtype=np.int32), np.full((4, 1000), 0.001)
)
"""One that gained 0.1 % whatever the day and horizon."""


def exported(
    folder: Path,
    listings: Sequence[Listing],
    *,
    threads: int = 1,
    options: ParquetOptions = OPTIONS,
    market: Market = MARKET,
    **request: Any,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The dataset of these listings as a frame, and its metadata as it was written."""
    dataset, metadata = folder / "dataset.parquet", folder / "metadata.json"
    asked = DatasetRequest(**request)
    told = export_dataset(
        selected(listings, asked),
        asked,
        market,
        dataset,
        metadata,
        options=options,
        eps=1e-12,
        threads=threads,
    )
    assert json.loads(metadata.read_text()) == told
    return pl.read_parquet(dataset), told
