"""How many of a dataset's series ended before the archive did: is it one of survivors?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.datasets.columns import DELISTED

DAYS_A_YEAR = 365.25

LEAST_DELISTED = 0.01
"""Stocks that end in a year, as a share of those listed, below which an archive is called one of
survivors: of US stocks several in a hundred are delisted every year, mergers included."""

SURVIVORS_NOTE = (
    "this is an archive of survivors: series that ended are missing, so every mean outcome, also "
    "that of the market, is of stocks that are known to have lasted, and too high"
)


@dataclass
class Survival:
    """Adds up series, which are segments of listings, before any row is left out."""

    series: int = 0
    delisted: int = 0
    stock_series: int = 0
    delisted_stocks: int = 0
    stock_days: int = 0

    def add(self, rows: pl.DataFrame, is_stock: bool) -> None:
        """Add a listing: `segment_no`, `trade_date` and `delisted` of all its rows."""
        if rows.is_empty():
            return
        number = rows.get_column("segment_no").to_numpy()
        last = np.append(np.flatnonzero(np.diff(number)), len(number) - 1)
        first = np.append(0, last[:-1] + 1)
        ended = int(rows.get_column(DELISTED).to_numpy()[last].sum())
        self.series += len(last)
        self.delisted += ended
        if is_stock:
            days = rows.get_column("trade_date").to_numpy().astype("datetime64[D]").astype(np.int64)
            self.stock_series += len(last)
            self.delisted_stocks += ended
            self.stock_days += int((days[last] - days[first]).sum())

    def merge(self, other: Survival) -> None:
        """Add what another has counted."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def told(self) -> dict[str, Any]:
        """What metadata say. `survivors_only` is None without stocks."""
        years = self.stock_days / DAYS_A_YEAR
        rate = self.delisted_stocks / years if years else None
        survivors = None if rate is None else rate < LEAST_DELISTED
        return {
            **vars(self),
            "stock_years": round(years, 2),
            "delisted_a_year": rate,
            "survivors_only": survivors,
            "note": SURVIVORS_NOTE if survivors else None,
        }
