"""Tables of a run as files, and its numbers as words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from mf_etl.io import ParquetOptions, write_csv, write_parquet


def write_tables(
    tables: Mapping[str, pl.DataFrame], paths: Mapping[str, Path], options: ParquetOptions
) -> None:
    """Each table in the forms that the catalogue has for it."""
    for name, table in tables.items():
        for path in (paths[key] for key in (name, f"{name}_csv") if key in paths):
            if path.suffix == ".csv":
                write_csv(table, path)
            else:
                write_parquet(table, path, options)


def number(value: float | None) -> str:
    """Four digits that count, or none."""
    return "none" if value is None else f"{value:.4g}"
