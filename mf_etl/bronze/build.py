"""One raw file to its three bronze results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mf_etl.bronze.quality import quality_report
from mf_etl.bronze.validation import (
    Conflicts,
    Origin,
    Thresholds,
    hard_flags,
    rejected_rows,
    valid_bars,
)
from mf_etl.ingest.limits import Limits
from mf_etl.ingest.reader import DEFAULT_LIMITS, RawContent, parse


@dataclass(frozen=True, slots=True)
class Bronze:
    """Valid bars (`BRONZE_OHLCV`), rejected rows (`BRONZE_REJECTS`) and the quality report."""

    bars: pl.DataFrame
    rejects: pl.DataFrame
    quality: dict[str, Any]


def bronze(
    content: RawContent,
    origin: Origin,
    *,
    limits: Limits = DEFAULT_LIMITS,
    thresholds: Thresholds,
    price_spike_factor: float,
    conflicts: Conflicts = "reject",
) -> Bronze:
    """Parse and validate one raw file.

    Rows of `bars` and `rejects` together are the non-blank data lines of the file. Content never
    raises: an empty or unreadable file gives empty tables and a report that says so.
    """
    raw = parse(content, origin.ticker, limits)
    flags = hard_flags(raw.rows, origin.ticker, conflicts)
    rejected = np.logical_or.reduce(list(flags.values()))
    bars = valid_bars(raw.rows, rejected, origin, thresholds)
    rejects = rejected_rows(raw, flags, rejected, origin)
    quality = quality_report(
        raw,
        flags,
        bars,
        origin,
        source_bytes=content.size,
        fingerprint=content.fingerprint,
        price_spike_factor=price_spike_factor,
    )
    return Bronze(bars, rejects, quality)
