"""Tables over the universe: one row a raw file, a ticker, an exchange or a year."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.bronze_ohlcv import HARD_FLAGS, WARNING_FLAGS
from mf_etl.schemas.common import EXCHANGE, INSTRUMENT, TICKER
from mf_etl.schemas.declaration import Column, Table

MANIFEST_STATUSES = {
    "NEW": "not in the manifest of the last full build",
    "CHANGED": "its content is another than then",
    "UNCHANGED": "its content is what it was",
    "SHADOWED": "another file of the same exchange and ticker is built",
    "IGNORED": "not asked for, in no known folder, or no file of one ticker",
}

_SOURCE_FILE = Column("source_file", pl.String, "raw file, relative to the raw root", "", False)

FILE_MANIFEST = Table(
    name="file_manifest",
    meaning="One row a raw file, compared with the manifest of the last completed full build.",
    sorted_by="source_file",
    columns=(
        _SOURCE_FILE,
        EXCHANGE,
        INSTRUMENT,
        Column("ticker", pl.String, "ticker of the file name; null if it is none"),
        Column("bytes", pl.Int64, "size", "bytes"),
        Column("fingerprint", pl.String, "BLAKE2b of the content; null if not read"),
        Column("mtime", pl.Datetime("us"), "time of last modification, UTC"),
        Column("status", pl.String, f"{', '.join(MANIFEST_STATUSES)}", nullable=False),
        Column("reason", pl.String, "why it is shadowed or ignored"),
    ),
)

SYMBOL_MASTER = Table(
    name="symbol_master",
    meaning="One row a ticker: where it comes from, its span, and what was wrong with it.",
    sorted_by="ticker",
    unique=False,
    columns=(
        TICKER,
        EXCHANGE,
        INSTRUMENT,
        Column("status", pl.String, "ok, empty, unreadable, or missing: not built", "", False),
        Column("message", pl.String, "what the reader has to say, or why it is missing"),
        Column("source_file", pl.String, "raw file, relative to the raw root"),
        Column("path", pl.String, "the bronze file", nullable=False),
        Column("first_trade_date", pl.Date, "day of the first valid bar"),
        Column("last_trade_date", pl.Date, "day of the last valid bar"),
        Column("rows_total", pl.Int64, "data lines of the raw file", "rows"),
        Column("rows_valid", pl.Int64, "valid bars", "rows"),
        Column("rows_rejected", pl.Int64, "rejected rows", "rows"),
        Column("warnings", pl.Int64, "warnings on valid bars", "warnings"),
        Column("price_spikes", pl.Int64, "bars far off both neighbours", "bars"),
        Column("price_blocks", pl.Int64, "price steps that a later one takes back", "blocks"),
        Column("segments", pl.Int64, "parts of the history, a year or more apart", "segments"),
        Column("lowest_price", pl.Float64, "lowest low", "currency"),
        Column("highest_price", pl.Float64, "highest high", "currency"),
        Column("mean_volume", pl.Float64, "mean volume of the valid bars", "shares"),
        *(
            Column(name, pl.Int64, f"rows with the flag: {meaning}", "rows")
            for name, meaning in (HARD_FLAGS | WARNING_FLAGS).items()
        ),
    ),
)

BY_EXCHANGE = Table(
    name="bronze_sanity_by_exchange",
    meaning="Counts of bronze by exchange.",
    sorted_by="exchange",
    columns=(
        EXCHANGE,
        *(
            Column(name, pl.Int64, meaning, unit, False)
            for name, meaning, unit in (
                ("tickers", "tickers built", "tickers"),
                ("missing", "tickers that are not built", "tickers"),
                ("empty", "raw files without data lines", "files"),
                ("unreadable", "raw files that are no text of the expected form", "files"),
                ("rows_total", "data lines", "rows"),
                ("rows_valid", "valid bars", "rows"),
                ("rows_rejected", "rejected rows", "rows"),
                ("warnings", "warnings on valid bars", "warnings"),
            )
        ),
        Column("first_trade_date", pl.Date, "day of the first valid bar"),
        Column("last_trade_date", pl.Date, "day of the last valid bar"),
    ),
)

ROWS_BY_YEAR = Table(
    name="bronze_rows_by_year",
    meaning="Valid bars by exchange and calendar year.",
    sorted_by="exchange",
    unique=False,
    columns=(
        EXCHANGE,
        Column("year", pl.Int32, "calendar year", nullable=False),
        Column("tickers", pl.Int64, "tickers with a bar", "tickers", False),
        Column("rows", pl.Int64, "valid bars", "rows", False),
    ),
)

TICKER_RESULTS = Table(
    name="ticker_results",
    meaning="One row a ticker of a layer: what went in, what came out, or why not.",
    sorted_by="ticker",
    unique=False,
    columns=(
        TICKER,
        EXCHANGE,
        Column("rows_in", pl.Int64, "rows of the layer above; null if it is missing", "rows"),
        Column("rows_out", pl.Int64, "rows of this layer; null without success", "rows"),
        Column("path", pl.String, "the layer's file", nullable=False),
        Column("success", pl.Boolean, "the file is there and up to date", "", False),
        Column("error", pl.String, "why it is not"),
    ),
)
