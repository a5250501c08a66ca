"""Columns that several layers carry under one meaning."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.declaration import HELPER, Column

TICKER = Column("ticker", pl.String, "ticker with its market suffix", nullable=False)
EXCHANGE = Column("exchange", pl.String, "exchange, from the raw file's folder", nullable=False)
INSTRUMENT = Column(
    "instrument", pl.String, "stock or etf, from the raw file's folder; null if that does not tell"
)
TRADE_DATE = Column("trade_date", pl.Date, "trading day", nullable=False)
TRADE_DT = Column(
    "trade_dt", pl.Datetime("us"), "date and time, exchange-local, no zone", nullable=False
)
SEGMENT_NO = Column(
    "segment_no",
    pl.Int16,
    "part of the history, from 1: a new one after a gap of more than a year",
    nullable=False,
    bounds=(1, None),
    statistics=("counts",),
)
IDENTITY = (TICKER, EXCHANGE, TRADE_DATE, TRADE_DT, SEGMENT_NO)

RUN_ID = Column("run_id", pl.String, "digest of source, settings and code", nullable=False)
QUALITY_WARN_COUNT = Column(
    "quality_warn_count", pl.Int32, "bronze warnings on the row", "warnings", nullable=False
)
CLOSE = Column("close", pl.Float64, "last price", "currency", nullable=False)
VOLUME = Column("volume", pl.Float64, "adjusted volume, may be fractional", "shares", False)
TRUE_RANGE = Column(
    "tr",
    HELPER,
    "true range: max(h−l, |h−prev_close|, |l−prev_close|); first row of a segment h−l",
    "currency",
    bounds=(0, None),
)
ATR_14 = Column(
    "atr_14",
    HELPER,
    "Wilder's average true range over 14 bars",
    "currency",
    bounds=(0, None),
    statistics=("nulls",),
)
TMF_21 = Column(
    "tmf_21", HELPER, "Twiggs Money Flow, 21 bars", "ratio", bounds=(-1, 1), statistics=("nulls",)
)
TTI_PROXY = Column(
    "tti_proxy_v1_21",
    HELPER,
    "stand-in for the Twiggs Trend Index",
    "ratio",
    bounds=(-1, 1),
    statistics=("nulls",),
)


def version(name: str, of: str) -> Column:
    """A version column: `of` says what it is the version of."""
    return Column(name, pl.String, f"version of {of}", nullable=False)


def flag(name: str, meaning: str, *, nullable: bool = False) -> Column:
    """A boolean. What occurs on a row is false where it cannot be told; a side may be null."""
    return Column(name, pl.Boolean, meaning, "", nullable)
