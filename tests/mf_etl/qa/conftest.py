"""Two small bronze files with reports, and what a summary makes of them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from mf_etl.bronze.build import bronze
from mf_etl.bronze.validation import Origin, Thresholds
from mf_etl.ingest.reader import RawContent
from mf_etl.io import ParquetOptions, write_json
from mf_etl.qa.summary import LayerFile, layer_summary
from mf_etl.schemas.bronze_ohlcv import BRONZE_OHLCV

HEADER = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
GOOD = HEADER + (
    "A.US,D,20231229,000000,10,12,9,11,100,0\n"
    "A.US,D,20240102,000000,11,13,10,12,300,0\n"
    "A.US,D,20240103,000000,11,9,10,12,300,0\n"
)


def build(folder: Path, exchange: str, ticker: str, text: str) -> LayerFile:
    """A bronze file and its quality report, as the workflow makes them."""
    origin = Origin(ticker, exchange, f"{ticker.lower()}.txt", "0" * 12)
    result = bronze(
        RawContent.of(text.encode()),
        origin,
        thresholds=Thresholds(),
        price_spike_factor=5.0,
    )
    file = LayerFile(
        exchange,
        ticker,
        folder / exchange / f"{ticker}.parquet",
        folder / exchange / f"{ticker}.json",
    )
    BRONZE_OHLCV.write(result.bars, file.path, ParquetOptions())
    write_json(result.quality, file.report)
    return file


@pytest.fixture
def summary(tmp_path) -> pl.DataFrame:
    """One good ticker with a rejected row, one empty, one that could not be built."""
    files = [build(tmp_path, "NYSE", "A.US", GOOD), build(tmp_path, "NASDAQ", "E.US", HEADER)]
    missing = {("NYSE", "M.US"): ("there/M.parquet", "bronze_ohlcv M.US: disk full")}
    return layer_summary(files, missing, {("NYSE", "A.US"): "stock", ("NYSE", "M.US"): "etf"})
