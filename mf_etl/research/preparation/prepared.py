"""The one reader of a prepared folder: columns, ranges of rows, matrix by memory map, sequences.

The folder has the matrix, the keys and the split; all other columns are those of the dataset that it
was made of, found by row number.
"""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mf_etl.errors import ResearchError
from mf_etl.research.preparation.blocks import MatrixRows
from mf_etl.research.preparation.files import MATRIX, PREPROCESS_SUMMARY, ROWS
from mf_etl.research.preparation.sequences import Cut, cut_sequences
from mf_etl.research.preparation.source import DATASET_ROW, KEYS, SEGMENT
from mf_etl.research.preparation.splits import PERIODS

REMEDY = "prepare it again"
_KEPT_GROUPS = 2
_ENUM_PERIODS = pl.Enum(PERIODS)


class Prepared:
    """A folder written by `mf_etl.research.preparation.prepare.prepare`, opened for reading.

    Reading is safe from several threads.
    """

    def __init__(self, folder: Path, dataset: Path) -> None:
        """Raises `ResearchError` if a file is missing, unreadable, or not of the others' shape."""
        self.folder = folder
        try:
            text = (folder / PREPROCESS_SUMMARY).read_text(encoding="utf-8")
            self.summary: dict[str, Any] = json.loads(text)
            self.matrix: NDArray[np.float32] = np.load(
                folder / MATRIX, mmap_mode="r", allow_pickle=False
            )
            self._own = _Table(folder / ROWS)
        except (OSError, ValueError, pa.ArrowInvalid) as error:
            raise ResearchError(f"prepared matrix {folder}: {_reason(error)}; {REMEDY}") from None
        try:
            self._dataset = _Table(dataset)
        except (OSError, pa.ArrowInvalid) as error:
            raise ResearchError(f"dataset {dataset}: {_reason(error)}; export it again") from None
        self.features: tuple[str, ...] = tuple(self.summary["features"])
        expected = (self._own.rows, len(self.features))
        if self.matrix.shape != expected:
            raise ResearchError(
                f"prepared matrix {folder}: {MATRIX} has shape {self.matrix.shape}, its rows and "
                f"features are {expected}; {REMEDY}"
            )
        if self._dataset.rows != self.summary["dataset_rows"]:
            raise ResearchError(
                f"prepared matrix {folder} is not of {dataset}, which has {self._dataset.rows} rows "
                f"instead of {self.summary['dataset_rows']}; {REMEDY}"
            )

    @property
    def rows(self) -> int:
        """Rows of the matrix."""
        return len(self.matrix)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that can be asked for."""
        others = (name for name in self._dataset.columns if name not in self._own.columns)
        return (*(name for name in self._own.columns if name != DATASET_ROW), *others)

    @property
    def is_sampled(self) -> bool:
        """Rows are missing between the rows of a ticker, so neighbours are not days that follow."""
        return bool(self.summary["dataset"].get("rows_are_sampled"))

    @property
    def notes(self) -> list[str]:
        """What every summary says of the data, such as that it is an archive of survivors."""
        note = (self.summary["dataset"].get("delisting") or {}).get("note")
        return [note] if note else []

    def column(self, name: str) -> NDArray[Any]:
        """One column of all rows; nulls of numbers are NaN, and dates are days since 1970."""
        if name in self._own.columns:
            return _array(self._own.column(name))
        self.refuse_unknown([name])
        values: NDArray[Any] | None = None
        groups = self._dataset.groups([name])
        for rows, (first, group) in zip(self._rows_of_groups, groups, strict=True):
            part = _array(group.to_series())
            if values is None:  # parts joined at the end would be the column twice
                values = np.empty(self.rows, dtype=part.dtype)
            elif values.dtype != part.dtype:  # whole numbers with nulls, in some parts
                values = values.astype(np.result_type(values, part), copy=False)
            values[rows] = part[self._dataset_rows[rows] - first]
        assert values is not None, "a dataset has rows"
        return values

    def take(self, rows: NDArray[Any], names: Sequence[str]) -> pl.DataFrame:
        """These columns of these rows, in this order."""
        self.refuse_unknown(names)
        own = [name for name in names if name in self._own.columns]
        others = [name for name in names if name not in self._own.columns]
        parts = [self._own.take(rows, own)] if own else []
        if others:
            parts.append(self._dataset.take(self._dataset_rows[rows], others))
        return pl.concat(parts, how="horizontal").select(names)

    @cached_property
    def is_fit(self) -> NDArray[np.bool_]:
        """Rows that a model is fitted on, one a row."""
        return self.column("is_fit").astype(bool)

    @cached_property
    def is_predict(self) -> NDArray[np.bool_]:
        """Rows that a model labels, one a row."""
        return self.column("is_predict").astype(bool)

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Rows of the test period to predict that no model is fitted on, one a row.

        Neither those between the periods nor those after `test_end`, which a later test is left.
        """
        in_test = np.equal(self.periods, PERIODS.index("test"))
        return self.is_predict & ~self.is_fit & in_test

    @cached_property
    def periods(self) -> NDArray[np.uint8]:
        """Each row's place among `PERIODS`."""
        parts = [
            group.to_series().cast(_ENUM_PERIODS).to_physical().to_numpy()
            for _, group in self._own.groups(["period"])
        ]
        return np.concatenate(parts).astype(np.uint8)

    @cached_property
    def keys(self) -> pl.DataFrame:
        """Keys of all rows, and the segment where there is one; text as codes, to fit into memory."""
        texts = KEYS[:2]
        known: dict[str, set[str]] = {name: set() for name in texts}
        for _, group in self._own.groups(texts):
            for name in texts:
                known[name].update(group.get_column(name).unique())
        coded = [pl.col(n).cast(pl.Enum(sorted(values))) for n, values in known.items()]
        names = [*KEYS, *(name for name in [SEGMENT] if name in self._own.columns)]
        return pl.concat([group.with_columns(coded) for _, group in self._own.groups(names)])

    @property
    def ticker_codes(self) -> tuple[list[str], NDArray[Any]]:
        """Names of the tickers, and each row's place among them."""
        tickers = self.keys.get_column("ticker")
        assert isinstance(tickers.dtype, pl.Enum)
        return tickers.dtype.categories.to_list(), tickers.to_physical().to_numpy()

    def sequences(
        self,
        used: NDArray[np.bool_],
        *,
        max_gap_days: int,
        min_length: int = 1,
        length_option: str = "min_sequence_length",
    ) -> Cut:
        """Sequences of the `used` rows, led in by those that are known; see `cut_sequences`."""
        return cut_sequences(
            self.keys,
            pl.Series(used),
            max_gap_days=max_gap_days,
            min_length=min_length,
            length_option=length_option,
            known=pl.Series(self.is_fit | self.is_predict),
            first_day=self._first_day,
        )

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

    @property
    def _first_day(self) -> datetime.date | None:
        """Where the days of the dataset were cut; None if they were not."""
        told = (self.summary["dataset"].get("filters") or {}).get("start_date")
        return datetime.date.fromisoformat(told) if told else None

    @cached_property
    def _dataset_rows(self) -> NDArray[np.uint32]:
        """Row number in the dataset of each row; ascending."""
        return self._own.column(DATASET_ROW).to_numpy()

    @cached_property
    def _rows_of_groups(self) -> list[slice]:
        """Which rows are of each row group of the dataset.

        Found once: numpy makes a wider copy of all row numbers to look for one of another type.
        """
        bounds = np.searchsorted(self._dataset_rows, self._dataset.starts).tolist()
        return [slice(*pair) for pair in pairwise(bounds)]

    def refuse_unknown(self, names: Sequence[str]) -> None:
        """Raises `ResearchError` if one of these columns cannot be asked for."""
        known = (*self._own.columns, *self._dataset.columns)
        if missing := [name for name in names if name not in known]:
            raise ResearchError(
                f"prepared matrix {self.folder}: its dataset has no column {missing[0]}; "
                "export the dataset again and prepare it"
            )


class _Table:
    """Ranges of a Parquet file. Row groups read last are kept: ranges asked for follow each other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with pq.ParquetFile(path) as file:
            self._metadata = file.metadata
            self.columns = tuple(file.schema_arrow.names)
        groups = range(self._metadata.num_row_groups)
        heights = [self._metadata.row_group(group).num_rows for group in groups]
        # Number of the first row of each row group, and of all rows at the end.
        self.starts = np.concatenate(([0], np.cumsum(heights, dtype=np.int64)))
        self.rows = int(self.starts[-1])
        self._group = lru_cache(maxsize=_KEPT_GROUPS)(self._read_group)
        self._reading = threading.Lock()

    def column(self, name: str) -> pl.Series:
        """One column of all rows."""
        return pl.concat([group for _, group in self.groups([name])]).to_series()

    def groups(self, names: Sequence[str]) -> Iterator[tuple[int, pl.DataFrame]]:
        """Number of the first row and these columns of each row group."""
        for group, start in enumerate(self.starts[:-1].tolist()):
            yield start, self._read_group(group, tuple(names))

    def take(self, rows: NDArray[Any], names: Sequence[str]) -> pl.DataFrame:
        """These rows, in this order; of the row groups that hold them one is read after the other."""
        groups = np.searchsorted(self.starts, rows, side="right") - 1
        order = np.argsort(groups, kind="stable")
        used, begins = np.unique(groups[order], return_index=True)
        # Picked group by group: rows of the whole file would be the whole file in memory.
        with self._reading:
            parts = [
                self._group(group, tuple(names))[rows[mine] - self.starts[group]]
                for group, mine in zip(used.tolist(), np.split(order, begins[1:]), strict=False)
            ]
            found: pl.DataFrame = pl.concat(parts or [self._group(0, tuple(names)).clear()])
        return found if np.array_equal(order, np.arange(len(order))) else found[np.argsort(order)]

    def _read_group(self, group: int, names: tuple[str, ...]) -> pl.DataFrame:
        with pq.ParquetFile(self.path, metadata=self._metadata) as file:
            # Decoded on the calling thread: how many run at once is the caller's to say.
            table = file.read_row_group(group, list(names), use_threads=False)
        return pl.DataFrame(pl.from_arrow(table))


def data_name(dataset: Path) -> str:
    """What figures call a dataset: the folder of a named one, else the file."""
    return dataset.parent.name if dataset.name == "dataset.parquet" else dataset.stem


def _array(column: pl.Series) -> NDArray[Any]:
    values = column.to_physical() if column.dtype == pl.Date else column
    return values.to_numpy()


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0]
