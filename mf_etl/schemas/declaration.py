"""What a table is: its columns declared once, as data, and checked whenever a file is written.

A declaration is also where the data dictionary (``docs/tables.md``) comes from. Checking takes
about 0.1 ms for a file of 8,000 rows and 50 columns, so every written file is checked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.errors import SchemaError
from mf_etl.io import ParquetOptions, write_parquet
from mf_etl.schemas.statistics import Statistic, statistics_metadata


class _HelperFloat:
    """Stands for a helper float: computed as float64, stored as ``precision.helper_dtype``."""

    def __repr__(self) -> str:
        return "helper float"


HELPER = _HelperFloat()
HELPER_DTYPES = {"float32": pl.Float32, "float64": pl.Float64}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, stored dtype (or ``HELPER``), one-line meaning, unit, may it be null.

    `bounds` are the least and the greatest value that can be right; None is no bound.
    `statistics` names what each file tells of the column (see `mf_etl.schemas.statistics`).
    """

    name: str
    dtype: Any
    meaning: str
    unit: str = ""
    nullable: bool = True
    bounds: tuple[float | None, float | None] | None = None
    statistics: tuple[Statistic, ...] = ()

    def stored_dtype(self, helper_dtype: Any) -> Any:
        """The polars dtype in the file, with ``HELPER`` resolved to `helper_dtype`."""
        return helper_dtype if self.dtype is HELPER else self.dtype


@dataclass(frozen=True)
class Table:
    """A per-ticker table: ordered columns, rows in ascending order of `sorted_by`."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    sorted_by: str = "trade_date"
    unique: bool = True

    @property
    def names(self) -> list[str]:
        """Column names in file order."""
        return [column.name for column in self.columns]

    def schema(self, helper_dtype: Any = pl.Float64) -> pl.Schema:
        """The exact polars schema, helper floats as `helper_dtype`."""
        return pl.Schema({c.name: c.stored_dtype(helper_dtype) for c in self.columns})

    def frame(self, values: Mapping[str, Any], rows: int) -> pl.DataFrame:
        """A frame of this table from arrays and constants; helper floats stay float64.

        `values` holds one entry a column: a numpy array or polars Series of length `rows`, or a
        scalar that fills the column. NaN and infinity mean null, also where the declared dtype is
        an integer or a boolean. Raises `SchemaError` for a missing or an undeclared column.
        """
        self._check_names(values.keys())
        return pl.DataFrame([_series(c, values[c.name], rows) for c in self.columns])

    def check(self, frame: pl.DataFrame, helper_dtype: Any = pl.Float64) -> None:
        """Raise `SchemaError` unless `frame` is exactly what is declared.

        Undeclared, missing or reordered columns, wrong dtypes, nulls where none may be, NaN or
        infinity, and rows that are not in strictly ascending order are errors.
        """
        self._checked(frame, helper_dtype, rounds=False)

    def write(self, frame: pl.DataFrame, path: Path, options: ParquetOptions) -> None:
        """Round helper floats to their stored dtype, check, and write the file atomically."""
        helper_dtype = HELPER_DTYPES[options.helper_dtype]
        stored = self._checked(frame, helper_dtype, rounds=True)
        told = {column.name: told_of(column) for column in self.columns}
        write_parquet(stored, path, options, metadata=statistics_metadata(stored, told))

    def read(self, path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Read a file of this table, or only some of its `columns`."""
        return pl.read_parquet(path, columns=None if columns is None else list(columns), glob=False)

    def _check_names(self, names: Any) -> None:
        declared, given = set(self.names), set(names)
        if missing := declared - given:
            raise SchemaError(f"{self.name}: missing columns {', '.join(sorted(missing))}")
        if undeclared := given - declared:
            raise SchemaError(f"{self.name}: undeclared columns {', '.join(sorted(undeclared))}")

    def _checked(self, frame: pl.DataFrame, helper_dtype: Any, *, rounds: bool) -> pl.DataFrame:
        """The frame, as `check` demands it; if it `rounds`, helper floats come as `helper_dtype`."""
        if frame.columns != self.names:
            self._check_names(frame.columns)
            raise SchemaError(f"{self.name}: columns are not in the declared order")
        stored = [
            self._checked_column(column, series, column.stored_dtype(helper_dtype), rounds)
            for column, series in zip(self.columns, frame.get_columns(), strict=True)
        ]
        if frame.height > 1:
            key = frame.get_column(self.sorted_by)
            ordered = key.is_sorted() if not self.unique else (key[1:] > key[:-1]).all()
            if not ordered:
                raise SchemaError(f"{self.name}: rows are not in ascending {self.sorted_by} order")
        return pl.DataFrame(stored)

    def _checked_column(
        self, column: Column, series: pl.Series, dtype: Any, rounds: bool
    ) -> pl.Series:
        stored = series.cast(dtype) if rounds and column.dtype is HELPER else series
        if stored.dtype != dtype:
            raise SchemaError(
                f"{self.name}: column {column.name} is {series.dtype}, declared {dtype}"
            )
        if not column.nullable and stored.null_count():
            raise SchemaError(f"{self.name}: column {column.name} may not be null")
        if not dtype.is_float() or _all_finite(stored):
            return stored
        if not _all_finite(series):
            raise SchemaError(f"{self.name}: column {column.name} holds NaN or infinity")
        # A magnitude past the range of the stored dtype is undefined there, so null.
        return stored.set(series.is_finite() & ~stored.is_finite(), None)


def told_of(column: Column) -> tuple[Statistic, ...]:
    """What a file tells of a column: of a flag how often it is set, and what is declared."""
    of_flag = ("true",) if column.dtype == pl.Boolean else ()
    of_bounds = ("min", "max") if column.bounds else ()
    return tuple(dict.fromkeys((*of_flag, *of_bounds, *column.statistics)))


def _all_finite(series: pl.Series) -> bool:
    """No value is NaN or infinite. A finite sum shows it at a twentieth of the cost."""
    return math.isfinite(series.sum()) or bool(series.is_finite().all())


def _series(column: Column, value: Any, rows: int) -> pl.Series:
    """One column from an array (NaN = null), a Series or a scalar."""
    dtype = column.stored_dtype(pl.Float64)
    if isinstance(value, pl.Series):
        return value.cast(dtype).alias(column.name)
    if not isinstance(value, np.ndarray):
        constant = pl.Series(column.name, [value], dtype=dtype)
        return constant.new_from_index(0, rows) if rows else constant.clear()
    if len(value) != rows:
        raise SchemaError(f"column {column.name}: {len(value)} values for {rows} rows")
    is_float = value.dtype.kind == "f"
    if not is_float or (is_finite := np.isfinite(value)).all():
        series = pl.Series(column.name, value)
    else:
        series = pl.Series(column.name, np.where(is_finite, value, np.nan), nan_to_null=True)
    return series if series.dtype == dtype else series.cast(dtype)
