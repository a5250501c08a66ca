"""Bronze: valid daily bars, rejected rows, and what can be wrong with a row."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.common import SEGMENT_NO
from mf_etl.schemas.declaration import Column, Table

SCHEMA_VERSION = "2"

# Flag of a rejected row, in the order in which reasons are given, and what it means.
HARD_FLAGS: dict[str, str] = {
    "q_malformed_row": "the line has too few or too many fields",
    "q_missing_field": "a required field is blank",
    "q_parse_error": "a field is no number, date or time of the expected form",
    "q_ticker_mismatch": "the row carries another ticker than the file name",
    "q_bad_timeframe": "PER is not D, or there is no PER and the time is not midnight",
    "q_nonpositive_price": "open, high, low or close is not above 0",
    "q_high_lt_low": "high is below low",
    "q_ohlc_outside_hl": "open or close is outside low to high",
    "q_negative_volume": "volume is below 0",
    "q_duplicate_ticker_date": (
        "another valid row has this date: a copy after the first, or one of several that disagree"
    ),
}

WARNING_FLAGS: dict[str, str] = {
    "q_suspicious_bar": "(high − low)/close or |close/open − 1| is above its threshold",
    "q_gap_in_calendar": "more calendar days than the threshold since the previous valid row",
    "q_price_step": "close/previous close is at least the step factor or at most its inverse",
    "q_no_trade": "volume is 0",
}
# Those that `quality_warn_count` counts: thin tickers have days without a trade by the hundred.
COUNTED_WARNINGS = ("q_suspicious_bar", "q_gap_in_calendar", "q_price_step")

BRONZE_OHLCV = Table(
    name="bronze_ohlcv",
    meaning="Valid daily bars of one ticker, typed, in date order.",
    columns=(
        Column("ticker", pl.String, "ticker with its market suffix", nullable=False),
        Column("exchange", pl.String, "exchange, from the raw file's folder", nullable=False),
        Column("timeframe", pl.String, "bar length: D1", nullable=False),
        Column("trade_date", pl.Date, "trading day", nullable=False, statistics=("years", "edges")),
        Column(
            "trade_dt", pl.Datetime("us"), "date and time, exchange-local, no zone", nullable=False
        ),
        Column("open", pl.Float64, "first price", "currency", nullable=False),
        Column("high", pl.Float64, "highest price", "currency", nullable=False, bounds=(0, None)),
        Column("low", pl.Float64, "lowest price", "currency", nullable=False, bounds=(0, None)),
        Column("close", pl.Float64, "last price", "currency", nullable=False),
        Column(
            "volume",
            pl.Float64,
            "adjusted volume, may be fractional",
            "shares",
            False,
            bounds=(0, None),
            statistics=("mean",),
        ),
        Column("openint", pl.Int64, "open interest; null if the file has no such column"),
        Column("source_file", pl.String, "raw file, relative to the raw root", nullable=False),
        Column("source_line_no", pl.Int64, "line of the raw file, from 1", nullable=False),
        Column("run_id", pl.String, "digest of source, settings and code", nullable=False),
        Column("schema_version", pl.String, "version of this declaration", nullable=False),
        *(Column(name, pl.Boolean, text, "", False) for name, text in WARNING_FLAGS.items()),
        SEGMENT_NO,
        Column(
            "quality_warn_count",
            pl.Int32,
            "warnings on the row, q_no_trade not counted",
            "warnings",
            nullable=False,
        ),
    ),
)

BRONZE_REJECTS = Table(
    name="bronze_rejects",
    meaning="Rows of a raw file that are not valid bars, each with its reasons; nothing is lost.",
    sorted_by="source_line_no",
    columns=(
        Column("ticker", pl.String, "ticker of the file", nullable=False),
        Column("exchange", pl.String, "exchange, from the raw file's folder", nullable=False),
        Column("source_file", pl.String, "raw file, relative to the raw root", nullable=False),
        Column("source_line_no", pl.Int64, "line of the raw file, from 1", nullable=False),
        Column("raw_line", pl.String, "the line as read, without its line end", nullable=False),
        Column("reasons", pl.List(pl.String), "names of the flags set, without q_", "", False),
        *(Column(name, pl.Boolean, text, "", False) for name, text in HARD_FLAGS.items()),
    ),
)
