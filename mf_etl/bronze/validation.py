"""Raw rows to valid bars and rejects: every row read ends in exactly one of the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from mf_etl.ingest.rows import PRICE_COLUMNS, RawRows
from mf_etl.schemas.bronze_ohlcv import (
    BRONZE_OHLCV,
    BRONZE_REJECTS,
    HARD_FLAGS,
    SCHEMA_VERSION,
)
from mf_etl.segments import segment_numbers
from mf_etl.series import lag

# PER of a daily bar, and what the bronze layer calls it.
TIMEFRAME_CODE, TIMEFRAME = "D", "D1"


# What becomes of the rows of one date that disagree: all are rejected, or all but the last.
Conflicts = Literal["reject", "keep_last"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a raw file is, apart from its content."""

    ticker: str
    exchange: str
    source_file: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a valid bar gets a warning, and when a segment ends."""

    gap_days: int = 7
    suspicious_range: float = 0.5
    suspicious_move: float = 0.3
    price_step_factor: float = 1.8
    segment_gap_days: int = 365


def hard_flags(
    rows: pl.DataFrame, ticker: str, conflicts: Conflicts = "reject"
) -> dict[str, np.ndarray]:
    """The hard flags of raw rows (`ROW_SCHEMA`), one boolean array a flag, in their order.

    A check of values says nothing of a value that is not there. Duplicates are told among rows that
    are valid otherwise: a broken line does not cast doubt on the good bar of the same day.
    """
    o, h, low, c, v = (rows.get_column(name).to_numpy() for name in PRICE_COLUMNS)
    flags = {
        "q_malformed_row": rows.get_column("q_malformed_row").to_numpy(),
        "q_missing_field": rows.get_column("q_missing_field").to_numpy(),
        "q_parse_error": rows.get_column("q_parse_error").to_numpy(),
        "q_ticker_mismatch": _differs(rows.get_column("ticker"), ticker),
        "q_bad_timeframe": _differs(rows.get_column("per"), TIMEFRAME_CODE),
        "q_nonpositive_price": (o <= 0) | (h <= 0) | (low <= 0) | (c <= 0),
        "q_high_lt_low": h < low,
        "q_ohlc_outside_hl": (o > h) | (o < low) | (c > h) | (c < low),
        "q_negative_volume": v < 0,
    }
    sound = ~np.logical_or.reduce(list(flags.values()))
    flags["q_duplicate_ticker_date"] = _duplicates(rows, sound, conflicts)
    return {name: flags[name] for name in HARD_FLAGS}


def valid_bars(
    rows: pl.DataFrame, rejected: np.ndarray, origin: Origin, thresholds: Thresholds
) -> pl.DataFrame:
    """The rows that are not `rejected` as a `BRONZE_OHLCV` frame, in date order, with warnings."""
    kept = rows.filter(pl.Series(~rejected)) if rejected.any() else rows
    if not kept.get_column("trade_dt").is_sorted():
        kept = kept.sort("trade_dt")
    o, h, low, c, v = (kept.get_column(name).to_numpy() for name in PRICE_COLUMNS)
    trade_date = kept.get_column("trade_dt").cast(pl.Date)
    days = trade_date.to_physical().to_numpy().astype(np.float64)
    with np.errstate(over="ignore"):
        suspicious = ((h - low) / c > thresholds.suspicious_range) | (
            np.abs(c / o - 1.0) > thresholds.suspicious_move
        )
        factor = c / lag(c)
    segment = segment_numbers(days, thresholds.segment_gap_days)
    is_first = np.diff(segment, prepend=segment[:1]) > 0
    gap = (days - lag(days) > thresholds.gap_days) | is_first
    step = ~is_first & (
        (factor >= thresholds.price_step_factor) | (factor <= 1.0 / thresholds.price_step_factor)
    )
    return BRONZE_OHLCV.frame(
        {
            "ticker": origin.ticker,
            "exchange": origin.exchange,
            "timeframe": TIMEFRAME,
            "trade_date": trade_date,
            "trade_dt": kept.get_column("trade_dt"),
            "open": o,
            "high": h,
            "low": low,
            "close": c,
            "volume": v,
            "openint": kept.get_column("openint"),
            "source_file": origin.source_file,
            "source_line_no": kept.get_column("source_line_no"),
            "run_id": origin.run_id,
            "schema_version": SCHEMA_VERSION,
            "q_suspicious_bar": suspicious,
            "q_gap_in_calendar": gap,
            "q_price_step": step,
            "q_no_trade": v == 0,
            "segment_no": segment,
            "quality_warn_count": suspicious.astype(np.int32) + gap + step,
        },
        kept.height,
    )


def rejected_rows(
    raw: RawRows, flags: dict[str, np.ndarray], rejected: np.ndarray, origin: Origin
) -> pl.DataFrame:
    """The `rejected` rows as a `BRONZE_REJECTS` frame: text, flags and reasons, in file order."""
    if not rejected.any():
        return pl.DataFrame(schema=BRONZE_REJECTS.schema())
    numbers = raw.rows.get_column("source_line_no").filter(pl.Series(rejected))
    chosen = {name: flag[rejected] for name, flag in flags.items()}
    return BRONZE_REJECTS.frame(
        {
            "ticker": origin.ticker,
            "exchange": origin.exchange,
            "source_file": origin.source_file,
            "source_line_no": numbers,
            "raw_line": pl.Series(raw.raw_lines(numbers.to_list()), dtype=pl.String),
            "reasons": _reasons(chosen),
            **chosen,
        },
        len(numbers),
    )


def _reasons(flags: dict[str, np.ndarray]) -> pl.Series:
    """Of each row the names of the flags set, without ``q_``."""
    # There are few combinations, whatever the number of rows: each is put in words once.
    codes = np.stack(list(flags.values()), axis=1) @ (1 << np.arange(len(flags)))
    combinations, place = np.unique(codes, return_inverse=True)
    words = [
        [name.removeprefix("q_") for bit, name in enumerate(flags) if code >> bit & 1]
        for code in combinations.tolist()
    ]
    return pl.Series(words, dtype=pl.List(pl.String)).gather(place)


def _differs(values: pl.Series, expected: str) -> np.ndarray:
    """Where a value is there and is another than expected, whatever its case."""
    differs = values != expected
    if differs.any():
        differs = values.str.to_uppercase() != expected
    return differs.fill_null(False).to_numpy()


def _duplicates(rows: pl.DataFrame, sound: np.ndarray, conflicts: Conflicts) -> np.ndarray:
    """Of sound rows with one date: all but the first; if their prices or volumes disagree, all, or
    all but the last.
    """
    duplicated = np.zeros(rows.height, dtype=bool)
    dates = rows.get_column("trade_dt").cast(pl.Date)
    if sound.all() and (dates[1:] > dates[:-1]).all():
        return duplicated
    sound_rows = pl.DataFrame({"row": np.flatnonzero(sound)}).with_columns(
        rows.select(dates.alias("date"), *PRICE_COLUMNS).filter(pl.Series(sound))
    )
    repeated = sound_rows.filter(pl.col("date").is_duplicated()).with_columns(
        agree=pl.all_horizontal(pl.col(name).n_unique() == 1 for name in PRICE_COLUMNS).over(
            "date"
        ),
        first=pl.col("row").min().over("date"),
        last=pl.col("row").max().over("date"),
    )
    is_last = pl.col("row") == pl.col("last") if conflicts == "keep_last" else pl.lit(False)
    is_kept = pl.when("agree").then(pl.col("row") == pl.col("first")).otherwise(is_last)
    lost = repeated.filter(~is_kept)
    duplicated[lost.get_column("row").to_numpy()] = True
    return duplicated
