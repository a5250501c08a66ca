"""Rows of a dataset with their labels, whole tickers at a time: memory does not grow with them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import BARS_LEFT, DELISTED, OUTCOME_END
from mf_etl.research.evaluation.agreement import ticker_ranges
from mf_etl.research.inference.sums import Floats, Integers

KEYS = ("ticker", "exchange", "trade_date")
LOSS = 0.7
"""What is left of the last price of a delisted series in the second verdict (Shumway 1997)."""


def needed(horizons: Sequence[int]) -> list[str]:
    """What a dataset must hold for its labels to be validated."""
    outcomes = [f"fwd_{kind}_{h}" for kind in ("oo", "xs") for h in horizons]
    return [*KEYS, "eligible", "spread_60", OUTCOME_END, DELISTED, BARS_LEFT, *outcomes]


def refuse_lacking(dataset: Path, columns: Sequence[str]) -> None:
    """Raises `ResearchError` if the dataset lacks one of the columns."""
    known = pq.read_schema(dataset).names
    if missing := [name for name in columns if name not in known]:
        raise ResearchError(
            f"dataset {dataset} has no column {', '.join(missing)}, which a validation reads; "
            "validate a run of a dataset that this build has exported"
        )


def pieces(
    dataset: Path,
    columns: Sequence[str],
    *,
    first: datetime.date | None = None,
    last: datetime.date | None = None,
) -> Iterator[tuple[pl.Expr, pl.DataFrame]]:
    """Rows of the days from `first` to `last`, about a million at a time, by ticker, exchange, date.

    With each piece comes the expression that picks its tickers out of another table.
    """
    rows = pl.scan_parquet(dataset, glob=False)
    if first is not None:
        rows = rows.filter(pl.col("trade_date") >= first)
    if last is not None:
        rows = rows.filter(pl.col("trade_date") <= last)
    wanted = list(dict.fromkeys((*KEYS, *columns)))
    for start, stop in ticker_ranges(rows):
        inside = pl.col("ticker").is_between(pl.lit(start), pl.lit(stop))
        yield inside, rows.filter(inside).select(wanted).sort(KEYS).collect()


def labelled_pieces(dataset: Path, labels: Path, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Rows of the dataset from the first labelled day to the last, with `state` and `fold`.

    Both are null where a row has no label; rows by ticker, exchange and date.
    """
    own = pl.scan_parquet(labels, glob=False).select(*KEYS, "fold", "state")
    days = own.select(pl.min("trade_date").alias("a"), pl.max("trade_date").alias("z")).collect()
    first, last = days.row(0)
    if first is None:
        return
    for inside, rows in pieces(dataset, columns, first=first, last=last):
        found = own.filter(inside).collect()
        yield rows.join(found, on=KEYS, how="left", maintain_order="left")


@dataclass(frozen=True)
class MarketDays:
    """The market of each day: `days`, shape (T,), as days since 1970; by horizon, shape (T,), NaN
    where there were too few stocks."""

    days: Integers
    mean: dict[int, Floats]
    shumway: dict[int, Floats]

    @classmethod
    def read(cls, path: Path, horizons: Sequence[int], min_names: int) -> MarketDays:
        """Of a market file; days with fewer than `min_names` stocks have none."""
        table = pl.read_parquet(path, glob=False)
        days = table.get_column("trade_date").unique().sort().to_physical().to_numpy()
        mean: dict[int, Floats] = {}
        shumway: dict[int, Floats] = {}
        for h in horizons:
            part = table.filter(pl.col("h") == h, pl.col("names") >= min_names)
            at = np.searchsorted(days, part.get_column("trade_date").to_physical().to_numpy())
            for found, name in ((mean, "mean"), (shumway, "mean_shumway")):
                found[h] = np.full(len(days), np.nan)
                found[h][at] = part.get_column(name).cast(pl.Float64).fill_null(np.nan).to_numpy()
        return cls(days, mean, shumway)

    def on(self, days: Integers, values: Floats) -> Floats:
        """The values of these days, NaN where the market has no such day."""
        if not len(self.days):
            return np.full(len(days), np.nan)
        at = np.minimum(np.searchsorted(self.days, days), len(self.days) - 1)
        return np.where(self.days[at] == days, values[at], np.nan)


def numbers(rows: pl.DataFrame, name: str) -> Floats:
    """A column as float64, null as NaN."""
    return rows.get_column(name).cast(pl.Float64).fill_null(np.nan).to_numpy()


def over_market(rows: pl.DataFrame, h: int, market: MarketDays) -> Floats:
    """fwd_xs_h of eligible rows of days with a market, else NaN; shape (rows,)."""
    days = rows.get_column("trade_date").to_physical().to_numpy()
    eligible = rows.get_column("eligible").to_numpy()
    known = eligible & ~np.isnan(market.on(days, market.mean[h]))
    return np.where(known, numbers(rows, f"fwd_xs_{h}"), np.nan)
