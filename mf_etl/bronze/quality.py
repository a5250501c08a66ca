"""The quality report of one raw file: what was read, what was wrong, and where to look."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from mf_etl.bronze.steps import price_steps
from mf_etl.bronze.validation import Origin
from mf_etl.ingest.rows import RawRows
from mf_etl.schemas.bronze_ohlcv import SCHEMA_VERSION, WARNING_FLAGS


def quality_report(
    raw: RawRows,
    flags: dict[str, np.ndarray],
    bars: pl.DataFrame,
    origin: Origin,
    *,
    source_bytes: int,
    fingerprint: str,
    price_spike_factor: float,
) -> dict[str, Any]:
    """The report as plain values.

    `flags` counts rows of the source a hard flag was set on (a row may have several); warnings count
    valid bars. Blocks of `price_steps` and `price_spikes` look ahead, which is why they are here and
    in no column.
    """
    first, last = bars.select(
        first=pl.col("trade_date").min(), last=pl.col("trade_date").max()
    ).row(0)
    message = raw.message
    if raw.status == "ok" and not bars.height:
        message = "no row is a valid bar"
    return {
        "ticker": origin.ticker,
        "exchange": origin.exchange,
        "status": raw.status,
        "message": message,
        "rows_total": raw.rows.height,
        "rows_valid": bars.height,
        "rows_rejected": raw.rows.height - bars.height,
        "flags": {
            **{name: int(flag.sum()) for name, flag in flags.items()},
            **{name: int(bars.get_column(name).sum()) for name in WARNING_FLAGS},
        },
        "first_trade_date": first.isoformat() if first else None,
        "last_trade_date": last.isoformat() if last else None,
        "segments": segments(bars),
        "price_steps": price_steps(bars),
        "price_spikes": price_spikes(bars, price_spike_factor),
        "header_present": raw.header_present,
        "delimiter": raw.delimiter,
        "reader": raw.reader,
        "source_file": origin.source_file,
        "source_bytes": source_bytes,
        "fingerprint": fingerprint,
        "schema_version": SCHEMA_VERSION,
        "run_id": origin.run_id,
    }


def segments(bars: pl.DataFrame) -> list[dict[str, Any]]:
    """First and last date and rows of each segment."""
    found = bars.group_by("segment_no", maintain_order=True).agg(
        first_trade_date=pl.col("trade_date").first().dt.to_string(),
        last_trade_date=pl.col("trade_date").last().dt.to_string(),
        rows=pl.len(),
    )
    return found.to_dicts()


def price_spikes(bars: pl.DataFrame, factor: float) -> list[dict[str, Any]]:
    """Bars whose close is `factor` times off, either way, from both its neighbours of the segment."""
    close, segment = (bars.get_column(name).to_numpy() for name in ("close", "segment_no"))
    if len(close) < 3:
        return []
    with np.errstate(over="ignore"):
        step = np.maximum(close[1:] / close[:-1], close[:-1] / close[1:])
    is_far = (step >= factor) & (segment[1:] == segment[:-1])
    spikes = np.flatnonzero(is_far[:-1] & is_far[1:]) + 1
    return [
        {
            "trade_date": bars["trade_date"][row].isoformat(),
            "close": float(close[row]),
            "source_line_no": bars["source_line_no"][row],
        }
        for row in spikes.tolist()
    ]
