"""The days of a dataset with labels of a validation, read a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mf_etl.research.inference.sums import Integers
from mf_etl.research.validation.panel import COLUMNS, UNLABELLED, Names, Panel, positions

_OF_DATASET = [name for name in COLUMNS if name != "state"]


class LabelledDays(NamedTuple):
    """Rows by day from the first labelled day on, each day's fold, and how many states there are."""

    panel: Panel
    fold: Integers
    states: int


def read_labelled_days(dataset: Path, labels: Path) -> LabelledDays:
    """Rows of `dataset` on the days from the first to the last of `labels`, with their labels.

    Days are those on which the dataset has any row; one without a label is of the fold before it.
    In memory are the rows of these days (see `Panel`), twelve bytes a label and two a name and day.
    """
    folds = _by_day(labels, pl.col("fold").first())
    first, last = (folds.get_column("trade_date")[at] for at in (0, -1))
    inside = pl.col("trade_date").is_between(first, last)
    counts = _by_day(dataset, pl.len().alias("rows")).filter(inside)
    days = counts.get_column("trade_date").to_physical().to_numpy()
    names, state = _states(labels, days)
    panel = Panel(days, counts.get_column("rows").to_numpy())
    for group in _groups(dataset, _OF_DATASET):
        rows = group.filter(inside)
        if rows.height:
            number = names.of(rows, new=False)
            label = state[number, positions(days, rows.get_column("trade_date"))]
            panel.add(rows.with_columns(pl.Series("state", label)))
    at = positions(days, folds.get_column("trade_date"))
    before = np.zeros(len(days), dtype=np.int64)
    before[at[at >= 0]] = np.flatnonzero(at >= 0)
    fold = folds.get_column("fold").to_numpy()[np.maximum.accumulate(before)]
    return LabelledDays(panel, fold, int(state.max(initial=UNLABELLED)) + 1)


def _by_day(path: Path, *told: pl.Expr) -> pl.DataFrame:
    days = pl.scan_parquet(path, glob=False).group_by("trade_date").agg(*told)
    return days.collect(engine="streaming").sort("trade_date")


def _states(labels: Path, days: Integers) -> tuple[Names, NDArray[np.int16]]:
    """The names that have labels, and the label of each name and day, shape (names, days)."""
    names = Names()
    parts = []
    for rows in _groups(labels, ["ticker", "exchange", "trade_date", "state"]):
        at = positions(days, rows.get_column("trade_date")).astype(np.int32)
        label = rows.get_column("state").fill_null(UNLABELLED).to_numpy().astype(np.int16)
        known = at >= 0
        parts.append((names.of(rows, new=True)[known], at[known], label[known]))
    # A name more than there are: rows of names without labels have the number −1.
    state = np.full((len(names) + 1, len(days)), UNLABELLED, dtype=np.int16)
    for number, at, label in parts:
        state[number, at] = label
    return names, state


def _groups(path: Path, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The row groups of a file, in order."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield pl.DataFrame(file.read_row_group(number, columns=list(columns)))
