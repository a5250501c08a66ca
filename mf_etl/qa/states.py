"""Tickers by day and state, over the universe: one look at two columns of each file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

NOT_READY = -1
"""In place of the code of S0, where TMF is not defined yet."""


def flow_states_by_day(files: Sequence[Path]) -> pl.DataFrame:
    """Tickers in each flow state on each day (`FLOW_STATES_BY_DAY`) of files of events."""
    state = pl.when("tmf_ready_21").then("flow_state_code").otherwise(NOT_READY).cast(pl.Int8)
    if not files:
        return _counted(pl.LazyFrame(schema={"trade_date": pl.Date, "state": pl.Int8}))
    rows = pl.scan_parquet(list(files), glob=False, hive_partitioning=False)
    return _counted(rows.select("trade_date", state=state))


def labels_by_day(labelled: Path, column: str) -> pl.DataFrame:
    """Tickers in each label of a model on each day, in the same form; a null label is −1."""
    rows = pl.scan_parquet(labelled, glob=False)
    label = pl.col(column).fill_null(NOT_READY).clip(lower_bound=NOT_READY).cast(pl.Int8)
    return _counted(rows.select("trade_date", state=label))


def _counted(rows: pl.LazyFrame) -> pl.DataFrame:
    return (
        rows.group_by("trade_date", "state")
        .agg(tickers=pl.len().cast(pl.Int32))
        .sort("trade_date", "state")
        .collect(engine="streaming")
    )
