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
from mf_etl.research.datasets.request import DatasetRequest
from mf_etl.research.datasets.selection import FeatureFile
from mf_etl.schemas.declaration import HELPER
from mf_etl.schemas.gold_features import GOLD_FEATURES

FIRST_DAY = datetime.date(2020, 1, 1)
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
        "run_id": f"run of {ticker}",
    }
    return GOLD_FEATURES.frame(values | columns, rows)


def written(folder: Path, *frames: pl.DataFrame) -> list[FeatureFile]:
    """Each frame as the feature file of its ticker and exchange."""
    files = []
    for frame in frames:
        exchange, ticker = frame["exchange"][0], frame["ticker"][0]
        path = folder / f"exchange={exchange}" / f"ticker={ticker}" / "part-000.parquet"
        GOLD_FEATURES.write(frame, path, OPTIONS)
        files.append(FeatureFile(exchange, ticker, path))
    return files


def exported(
    folder: Path,
    files: Sequence[FeatureFile],
    *,
    threads: int = 1,
    options: ParquetOptions = OPTIONS,
    **request: Any,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The dataset of these files as a frame, and its metadata as it was written."""
    dataset, metadata = folder / "dataset.parquet", folder / "metadata.json"
    told = export_dataset(
        files,
        DatasetRequest(**request),
        dataset,
        metadata,
        options=options,
        eps=1e-12,
        threads=threads,
    )
    assert json.loads(metadata.read_text()) == told
    return pl.read_parquet(dataset), told
