"""A prepared matrix and its rows, read a column or a row group at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mf_etl.errors import ResearchError
from mf_etl.research.preparation.blocks import MatrixRows
from mf_etl.research.preparation.prepare import MATRIX, PREPROCESS_SUMMARY, ROWS

REMEDY = "prepare it again"


class Prepared:
    """A folder written by `mf_etl.research.preparation.prepare.prepare`, opened for reading."""

    def __init__(self, folder: Path) -> None:
        """Raises `ResearchError` if a file is missing, unreadable, or not of the others' shape."""
        self.folder = folder
        try:
            text = (folder / PREPROCESS_SUMMARY).read_text(encoding="utf-8")
            self.summary: dict[str, Any] = json.loads(text)
            self.matrix = np.load(folder / MATRIX, mmap_mode="r", allow_pickle=False)
            self._metadata = pq.read_metadata(folder / ROWS)
        except (OSError, ValueError, pa.ArrowInvalid) as error:
            reason = str(error).splitlines()[0]
            raise ResearchError(f"prepared matrix {folder}: {reason}; {REMEDY}") from None
        self.features: tuple[str, ...] = tuple(self.summary["features"])
        self.columns: tuple[str, ...] = tuple(self._metadata.schema.to_arrow_schema().names)
        expected = (self._metadata.num_rows, len(self.features))
        if self.matrix.shape != expected:
            raise ResearchError(
                f"prepared matrix {folder}: {MATRIX} has shape {self.matrix.shape}, its rows and "
                f"features are {expected}; {REMEDY}"
            )

    @property
    def rows(self) -> int:
        """Rows of the matrix."""
        return len(self.matrix)

    def column(self, name: str) -> np.ndarray:
        """One column of all rows; nulls of numbers are NaN, and dates are days since 1970."""
        return _array(self._table([name]).get_column(name))

    def mask(self, name: str) -> np.ndarray:
        """A column of booleans."""
        return self.column(name).astype(bool)

    def equals(self, name: str, value: str) -> np.ndarray:
        """Where a column of text is `value` (bool, one a row)."""
        found = (group.get_column(name) == value for group in self.row_groups([name]))
        return np.concatenate([mask.to_numpy() for mask in found])

    @cached_property
    def is_fit(self) -> np.ndarray:
        """Rows that a model is fitted on (bool, one a row)."""
        return self.mask("is_fit")

    @cached_property
    def is_predict(self) -> np.ndarray:
        """Rows that a model predicts (bool, one a row)."""
        return self.mask("is_predict")

    @cached_property
    def ticker_codes(self) -> tuple[list[str], np.ndarray]:
        """Names of the tickers, and each row's place among them (int32)."""
        names: dict[str, int] = {}
        codes = np.empty(self.rows, dtype=np.int32)
        start = 0
        for group in self.row_groups(["ticker"]):
            tickers = group.get_column("ticker")
            found = tickers.unique(maintain_order=True).to_list()
            of_group = {name: names.setdefault(name, len(names)) for name in found}
            column = tickers.replace_strict(of_group, return_dtype=pl.Int32).to_numpy()
            codes[start : start + group.height] = column
            start += group.height
        return list(names), codes

    def row_groups(self, names: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """The rows in order, a row group at a time, with these columns or with all."""
        wanted = self._known(self.columns if names is None else names)
        with pq.ParquetFile(self.folder / ROWS, metadata=self._metadata) as file:
            for group in range(self._metadata.num_row_groups):
                # Decoded on the calling thread: how many run at once is the caller's to say.
                yield pl.from_arrow(file.read_row_group(group, wanted, use_threads=False))

    def refuse_infinite(self, threads: int) -> None:
        """Raises `ResearchError` with the feature and row of a value that is not finite."""
        rows = MatrixRows(self.matrix)

        def first(number: int) -> tuple[int, int] | None:
            bad = np.argwhere(~np.isfinite(rows.block(number)))
            return (rows.span(number).start + int(bad[0, 0]), int(bad[0, 1])) if len(bad) else None

        for found in rows.each(first, threads):
            if found:
                raise ResearchError(
                    f"prepared matrix {self.folder}: {self.features[found[1]]} is not finite in row "
                    f"{found[0]}; {REMEDY}"
                )

    def _table(self, names: Sequence[str]) -> pl.DataFrame:
        with pq.ParquetFile(self.folder / ROWS, metadata=self._metadata) as file:
            return pl.from_arrow(file.read(self._known(names), use_threads=False))

    def _known(self, names: Sequence[str]) -> list[str]:
        if missing := [name for name in names if name not in self.columns]:
            raise ResearchError(
                f"prepared matrix {self.folder}: {ROWS} has no column {missing[0]}; "
                "export the dataset again and prepare it"
            )
        return list(names)


def _array(column: pl.Series) -> np.ndarray:
    if column.dtype == pl.Date:
        return column.to_physical().to_numpy()
    return column.to_numpy()
