"""A ticker of a few days with everything that can be wrong with one, and readers of data files."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import polars as pl

from mf_etl.bronze.build import Bronze
from mf_etl.gold.events import Grammar, event_series
from mf_etl.report.ticker import BARS, EVENTS, ticker_data
from mf_etl.silver.base import base_series
from mf_etl.silver.indicators import indicator_series

RUN_ID = "0123456789ab"


def events_of(bars: pl.DataFrame) -> pl.DataFrame:
    """Events of bronze bars, with default settings."""
    base = base_series(bars, eps=1e-12, run_id=RUN_ID)
    flow = indicator_series(base, period=21, ema_span=5, eps=1e-12, run_id=RUN_ID)
    return event_series(flow, grammar=Grammar(), run_id=RUN_ID)


def data_of(found: Bronze, labelled: Any = ()) -> dict[str, Any]:
    """What the page of a ticker shows, from its bronze results."""
    return ticker_data(
        "NYSE",
        "T.US",
        bars=found.bars.select(BARS),
        events=events_of(found.bars).select(EVENTS),
        rejects=found.rejects,
        quality=found.quality,
        labelled=labelled,
    )


def unpacked(text: str, dtype: str) -> np.ndarray:
    """An array out of a data file."""
    return np.frombuffer(base64.b64decode(text), dtype=dtype)


def codes_of(view: dict[str, Any], rows: int) -> np.ndarray:
    """The code of each day of a view, out of its runs."""
    starts = unpacked(view["runs"]["starts"], "<u4")
    codes = unpacked(view["runs"]["codes"], "<i1")
    return np.repeat(codes, np.diff(np.append(starts, rows)))


def called(text: str) -> tuple[str, Any]:
    """The function of a data file, and what it is handed."""
    name, _, rest = text.partition("(")
    return name.removeprefix("mf_etl."), json.loads(rest.removesuffix(");\n"))
