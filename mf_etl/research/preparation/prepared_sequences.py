"""A prepared folder as an HMM reads it: matrix by memory map, keys of its rows, ranges of rows."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from mf_etl.errors import ResearchError
from mf_etl.research.preparation.prepare import MATRIX, PREPROCESS_SUMMARY, ROWS
from mf_etl.research.preparation.sequences import Cut, cut_sequences

KEYS = ("ticker", "exchange", "trade_date")
_FLAGS = ("is_fit", "is_predict")
_KEPT_GROUPS = 3


class RowsFile:
    """Ranges of a row table, safe to read from several threads.

    Row groups read last are kept: shards are smaller than they are and follow each other.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with pq.ParquetFile(path) as file:
            self._metadata = file.metadata
            self.columns = tuple(file.schema_arrow.names)
        heights = [
            self._metadata.row_group(g).num_rows for g in range(self._metadata.num_row_groups)
        ]
        self._starts = np.concatenate(([0], np.cumsum(heights, dtype=np.int64)))
        self._group = lru_cache(maxsize=_KEPT_GROUPS)(self._read_group)
        self._reading = threading.Lock()

    def __len__(self) -> int:
        return self._metadata.num_rows

    def column(self, name: str) -> np.ndarray:
        """One column of all rows as float32; null is NaN."""
        column = pl.read_parquet(self.path, columns=[name], glob=False).to_series()
        return column.cast(pl.Float32).to_numpy()

    def take(self, row_numbers: np.ndarray, columns: Sequence[str]) -> pl.DataFrame:
        """These rows, in this order; all row groups between the lowest and the highest are read."""
        first, last = np.searchsorted(
            self._starts, (row_numbers.min(), row_numbers.max()), side="right"
        )
        with self._reading:
            parts = [self._group(group, tuple(columns)) for group in range(first - 1, last)]
        return pl.concat(parts)[row_numbers - self._starts[first - 1]]

    def groups(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """These columns of all rows, a row group at a time."""
        for group in range(len(self._starts) - 1):
            yield self._read_group(group, tuple(columns))

    def _read_group(self, group: int, columns: tuple[str, ...]) -> pl.DataFrame:
        with pq.ParquetFile(self.path, metadata=self._metadata) as file:
            table = file.read_row_group(group, list(columns), use_threads=False)
        return pl.DataFrame(pl.from_arrow(table))


@dataclass(frozen=True)
class Prepared:
    """A prepared folder, opened."""

    matrix: np.ndarray
    features: tuple[str, ...]
    rows: RowsFile
    keys: pl.DataFrame
    """ticker and exchange (as codes), trade_date, is_fit and is_predict of every matrix row."""
    summary: dict[str, Any]

    def fit_sequences(self, *, max_gap_days: int, min_length: int) -> Cut:
        """Sequences of the rows to fit on."""
        return self._cut("is_fit", max_gap_days, min_length, "min_sequence_length")

    def predict_sequences(self, *, max_gap_days: int, min_length: int) -> Cut:
        """Sequences of the rows to decode."""
        return self._cut("is_predict", max_gap_days, min_length, "min_decoded_length")

    @property
    def first_day(self) -> datetime.date | None:
        """Where the days of the dataset were cut; None if they were not."""
        told = (self.summary["dataset"].get("filters") or {}).get("start_date")
        return datetime.date.fromisoformat(told) if told else None

    def _cut(self, side: str, max_gap_days: int, min_length: int, length_option: str) -> Cut:
        return cut_sequences(
            self.keys,
            self.keys.get_column(side),
            max_gap_days=max_gap_days,
            min_length=min_length,
            length_option=length_option,
            known=self.keys.get_column("is_fit") | self.keys.get_column("is_predict"),
            first_day=self.first_day,
        )


def open_prepared(folder: Path) -> Prepared:
    """Open what `preparation.prepare` wrote; nothing of the matrix is read yet.

    Raises `ResearchError` if a file is missing or does not fit the others, and for a dataset of
    sampled rows: days that are not neighbours would be joined.
    """
    try:
        summary = json.loads((folder / PREPROCESS_SUMMARY).read_text(encoding="utf-8"))
        matrix = np.load(folder / MATRIX, mmap_mode="r", allow_pickle=False)
        rows = RowsFile(folder / ROWS)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ResearchError(f"prepared folder {folder}: {reason}; prepare it again") from None
    if summary["dataset"].get("rows_are_sampled"):
        raise ResearchError(
            "an HMM needs every day of a ticker, but this dataset is a sample of single rows; "
            "export it with sample_by ticker"
        )
    features = tuple(summary["features"])
    if matrix.shape != (len(rows), len(features)):
        raise ResearchError(
            f"prepared folder {folder}: matrix of shape {matrix.shape} for {len(rows)} rows and "
            f"{len(features)} features; prepare it again"
        )
    return Prepared(matrix, features, rows, _keys(rows), summary)


def _keys(rows: RowsFile) -> pl.DataFrame:
    """The keys of all rows with text as codes, so that they fit into memory."""
    texts = KEYS[:2]
    known: dict[str, set[str]] = {name: set() for name in texts}
    for group in rows.groups(texts):
        for name in texts:
            known[name].update(group.get_column(name).unique())
    dtypes = {name: pl.Enum(sorted(values)) for name, values in known.items()}
    names = [name for name in (*KEYS, "segment_no", *_FLAGS) if name in rows.columns]
    return pl.concat([group.cast(dtypes) for group in rows.groups(names)])
