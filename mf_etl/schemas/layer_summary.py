"""What is known of each ticker of a layer without reading its rows."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.common import EXCHANGE, INSTRUMENT, TICKER
from mf_etl.schemas.declaration import Column, Table
from mf_etl.schemas.statistics import SCHEMA as STATISTIC

LAYER_SUMMARY = Table(
    name="layer_summary",
    meaning="One row a ticker of one layer and slot, by exchange and ticker: whether its file is "
    "there, what it holds and, for bronze, what its quality report says.",
    sorted_by="exchange",
    unique=False,
    columns=(
        EXCHANGE,
        TICKER,
        INSTRUMENT,
        Column("path", pl.String, "the layer's file", nullable=False),
        Column("success", pl.Boolean, "the file is there and up to date", "", False),
        Column("error", pl.String, "why it is not"),
        Column("rows", pl.Int64, "rows of the file; null without success", "rows"),
        Column("statistics", pl.List(STATISTIC), "what the file tells of itself", "", False),
        Column("source_file", pl.String, "bronze: raw file, relative to the raw root"),
        Column("source_bytes", pl.Int64, "bronze: size of the raw file", "bytes"),
        Column("status", pl.String, "bronze: ok, empty or unreadable"),
        Column("message", pl.String, "bronze: what the reader has to say"),
        Column("rows_total", pl.Int64, "bronze: data lines of the raw file", "rows"),
        Column("rows_rejected", pl.Int64, "bronze: of these, no valid bar", "rows"),
        Column("price_spikes", pl.Int64, "bronze: bars far off both neighbours", "bars"),
        Column(
            "price_blocks", pl.Int64, "bronze: price steps that a later one takes back", "blocks"
        ),
        Column("segments", pl.Int64, "bronze: parts of the history", "segments"),
        Column("first_trade_date", pl.Date, "bronze: day of the first valid bar"),
        Column("last_trade_date", pl.Date, "bronze: day of the last valid bar"),
        Column("flags", pl.List(STATISTIC), "bronze: rows by hard and warning flag", "", False),
    ),
)
