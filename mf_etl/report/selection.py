"""Which tickers get a chart file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from mf_etl.report.contents import ALL_UP_TO


def selected(choice: Any, master: pl.DataFrame, problems: pl.DataFrame) -> list[tuple[str, str]]:
    """The (exchange, ticker) pairs that `report.tickers` means, in order.

    `master` is the symbol master; `problems` the tickers to look at, worst first. Names that are in
    no raw file are not among them.
    """
    there = master.filter(pl.col("status") != "missing")
    largest = there.sort("rows_valid", "ticker", "exchange", descending=[True, False, False])
    if choice == "all" or (choice is None and there.height <= ALL_UP_TO):
        return _pairs(there)
    if choice is None:
        looked_at = problems.filter(pl.col("status") != "missing").head(ALL_UP_TO)
        return sorted({*_pairs(largest.head(ALL_UP_TO)), *_pairs(looked_at)})
    if isinstance(choice, int):
        return _pairs(largest.head(choice))
    return _pairs(there.filter(pl.col("ticker").is_in([*choice])))


def _pairs(rows: pl.DataFrame) -> list[tuple[str, str]]:
    found: Iterable[tuple[Any, ...]] = rows.select("exchange", "ticker").iter_rows()
    return sorted((exchange, ticker) for exchange, ticker in found)
