"""Labelled rows: one table whatever model made them, in memory for evaluation and as a file."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mf_etl.io import ParquetOptions, replacing
from mf_etl.research.datasets.streaming import RowGroupWriter
from mf_etl.research.models.interface import Labels, Model
from mf_etl.research.models.views import View
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.sequences import Sequences
from mf_etl.research.preparation.source import KEYS, SEGMENT
from mf_etl.schemas.ml_dataset import arrow_schema


@dataclass(frozen=True)
class LabelledRows:
    """The rows that a model labelled, in the order of their sequences.

    `labels` has, by the name of a view, the label of each row: 0 to `states` − 1, or −1 for none.
    """

    prepared: Prepared
    sequences: Sequences
    views: tuple[View, ...]
    labels: dict[str, NDArray[np.int16]]
    states: int
    path: Path | None = None
    """The file that holds them, where there is one."""

    @property
    def rows(self) -> int:
        """Rows of all sequences."""
        return self.sequences.rows

    @cached_property
    def is_start(self) -> NDArray[np.bool_]:
        """Which rows begin a sequence."""
        first = np.zeros(self.rows, dtype=bool)
        first[self.sequences.bounds[:-1]] = True
        return first

    @cached_property
    def periods(self) -> NDArray[np.uint8]:
        """Each row's place among `splits.PERIODS`."""
        return self.sequences.gather(self.prepared.periods)

    @cached_property
    def is_fit(self) -> NDArray[np.bool_]:
        """Rows that the model was fitted on, or its scaler."""
        return self.sequences.gather(self.prepared.is_fit)

    @cached_property
    def is_purged(self) -> NDArray[np.bool_]:
        """Train rows whose outcomes reach into the test period: they count nowhere."""
        return self.sequences.gather(self.prepared.column("outcome_purged").astype(bool))

    @property
    def days(self) -> NDArray[np.int32]:
        """Days since 1970; gathered anew each time, for they are as many as rows."""
        days = self.prepared.keys.get_column("trade_date").to_physical()
        return self.sequences.gather(days.to_numpy())

    @property
    def ticker_codes(self) -> NDArray[Any]:
        """Each row's place among the names of `Prepared.ticker_codes`; gathered anew as `days`."""
        return self.sequences.gather(self.prepared.ticker_codes[1])

    @cached_property
    def names(self) -> frozenset[str]:
        """Columns that the file adds to those of the dataset."""
        if self.path is None:
            return frozenset()
        return frozenset(pq.read_schema(self.path).names) - frozenset(self.prepared.columns)

    def column(self, name: str) -> NDArray[Any]:
        """One column of all rows, of the file or of the dataset; null is NaN."""
        if self.path is not None and name in self.names:
            return pl.read_parquet(self.path, columns=[name], glob=False).to_series().to_numpy()
        return self.sequences.gather(self.prepared.column(name))

    def outcome(self, name: str) -> NDArray[np.floating[Any]]:
        """As `column`, NaN where the outcome reaches into the test period; shape (rows,)."""
        values: NDArray[np.floating[Any]] = self.column(name)
        if not values.flags.writeable:
            values = values.copy()
        values[self.is_purged] = np.nan
        return values


def label_rows(model: Model, prepared: Prepared, threads: int) -> LabelledRows:
    """Labels of the rows to predict by what was known on the day, without a file."""
    found = model.label(prepared, threads, brief=True)
    view = model.views[0]
    parts = [frame.get_column(view.column).to_numpy() for frame in found.frames]
    labels = {view.name: np.concatenate(parts).astype(np.int16)}
    return LabelledRows(prepared, found.cut.sequences, (view,), labels, model.states)


def write_labelled(
    model: Model,
    prepared: Prepared,
    path: Path,
    *,
    passed_on: Sequence[str],
    options: ParquetOptions,
    threads: int,
) -> tuple[LabelledRows, dict[str, int]]:
    """Write a row for each row to predict; gives them, and what is told of their sequences.

    Columns: keys, `period`, `segment_no`, what the model tells, and `passed_on` of the dataset. Rows
    are in the order of the sequences: by ticker, exchange and date. The bytes do not depend on
    `threads`.
    """
    found: Labels = model.label(prepared, threads)
    before = [*KEYS, "period", *(name for name in [SEGMENT] if name in prepared.columns)]
    asked = [*before, *(name for name in passed_on if name in prepared.columns)]
    frames = iter(found.frames)
    first = next(frames)
    sample = prepared.take(np.array([0]), asked).clear()
    order = [*before, *first.columns, *asked[len(before) :]]
    schema = arrow_schema(pl.concat([sample, first.clear()], how="horizontal").select(order).schema)
    numbers = found.cut.sequences.row_numbers()
    labels = {v.name: np.empty(len(numbers), dtype=np.int16) for v in model.views}
    start = 0
    with (
        replacing(path) as temporary,
        RowGroupWriter(temporary, schema, options, ascending=("trade_date",)) as writer,
    ):
        for frame in itertools.chain([first], frames):
            inside = slice(start, start + frame.height)
            rows = prepared.take(numbers[inside], asked)
            writer.add(pl.concat([rows, frame], how="horizontal").select(order))
            for view in model.views:
                labels[view.name][inside] = frame.get_column(view.column).to_numpy()
            start = inside.stop
    return (
        LabelledRows(prepared, found.cut.sequences, model.views, labels, model.states, path),
        found.cut.summary,
    )
