"""A prepared folder as an HMM reads it: matrix by memory map, keys of its rows, ranges of rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from mf_etl.errors import ResearchError
from mf_etl.research.hmm.sequences import Cut, cut_sequences
from mf_etl.research.preparation.prepare import MATRIX, PREPROCESS_SUMMARY, ROWS

KEYS = ("ticker", "exchange", "trade_date")
_FLAGS = ("is_fit", "is_predict")


class RowsFile:
    """Ranges of a row table; reading is safe from several threads, each on its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with pq.ParquetFile(path) as file:
            self._metadata = file.metadata
            self.columns = tuple(file.schema_arrow.names)
        heights = [
            self._metadata.row_group(g).num_rows for g in range(self._metadata.num_row_groups)
        ]
        self._starts = np.concatenate(([0], np.cumsum(heights, dtype=np.int64)))

    def __len__(self) -> int:
        return self._metadata.num_rows

    def column(self, name: str) -> np.ndarray:
        """One column of all rows as float32; null is NaN."""
        column = pl.read_parquet(self.path, columns=[name]).to_series()
        return column.cast(pl.Float32).to_numpy()

    def take(self, row_numbers: np.ndarray, columns: Sequence[str]) -> pl.DataFrame:
        """These rows, in this order; all row groups between the lowest and the highest are read."""
        first, last = np.searchsorted(
            self._starts, (row_numbers.min(), row_numbers.max()), side="right"
        )
        groups = list(range(first - 1, last))
        with pq.ParquetFile(self.path, metadata=self._metadata) as file:
            table = file.read_row_groups(groups, list(columns), use_threads=False)
        return pl.DataFrame(pl.from_arrow(table))[row_numbers - self._starts[groups[0]]]


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
        return self._cut("is_fit", max_gap_days, min_length)

    def predict_sequences(self, *, max_gap_days: int, min_length: int) -> Cut:
        """Sequences of the rows to decode."""
        return self._cut("is_predict", max_gap_days, min_length)

    def _cut(self, side: str, max_gap_days: int, min_length: int) -> Cut:
        used = self.keys.get_column(side)
        return cut_sequences(self.keys, used, max_gap_days=max_gap_days, min_length=min_length)


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
    names = pl.scan_parquet(rows.path).select(
        pl.col(name).unique().sort().implode() for name in KEYS[:2]
    )
    known = names.collect()
    dtypes = {name: pl.Enum(known.get_column(name)[0]) for name in KEYS[:2]}
    parts = []
    with pq.ParquetFile(rows.path) as file:
        for group in range(file.metadata.num_row_groups):
            table = file.read_row_group(group, [*KEYS, *_FLAGS], use_threads=False)
            parts.append(pl.DataFrame(pl.from_arrow(table)).cast(dtypes))
    return pl.concat(parts, rechunk=True)
