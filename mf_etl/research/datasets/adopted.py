"""A dataset file from elsewhere as one of this build: linked, not copied, and told about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mf_etl.errors import ResearchError
from mf_etl.io import replacing, write_json
from mf_etl.research.datasets.columns import REQUIRED


def adopt_dataset(source: Path, dataset: Path, metadata: Path) -> dict[str, Any]:
    """Make `dataset` a link to `source` and write what it holds to `metadata`, which is also given.

    Of a ``metadata.json`` beside `source` it is taken whether rows were sampled (where days are
    missing between rows, sequences cannot be told) and how many series ended. Raises
    `ResearchError`, with nothing written, if `source` is no Parquet file, has no rows, or lacks a
    column that every dataset has.
    """
    try:
        told = _told(source)
    except (OSError, pa.ArrowInvalid) as error:
        raise ResearchError(f"dataset {source}: {str(error).splitlines()[0]}") from None
    with replacing(dataset) as temporary:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(source.resolve())
    write_json(told, metadata)
    return told


def columns_of(source: Path) -> list[str]:
    """Names of the columns of a dataset file; raises `ResearchError` as `adopt_dataset` does."""
    try:
        with pq.ParquetFile(source) as file:
            return _columns(source, file)
    except (OSError, pa.ArrowInvalid) as error:
        raise ResearchError(f"dataset {source}: {str(error).splitlines()[0]}") from None


def _columns(source: Path, file: pq.ParquetFile) -> list[str]:
    names = list(file.schema_arrow.names)
    if missing := [name for name in REQUIRED if name not in names]:
        raise ResearchError(
            f"dataset {source}: no column {', '.join(missing)}; "
            "`mf-etl export-ml-dataset` writes files that have them"
        )
    return names


def _told(source: Path) -> dict[str, Any]:
    symbols: set[str] = set()
    days: list[Any] = []
    with pq.ParquetFile(source) as file:
        names = _columns(source, file)
        dtypes = pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table())).schema
        rows = file.metadata.num_rows
        for group in range(file.num_row_groups):
            keys = pl.DataFrame(pl.from_arrow(file.read_row_group(group, ["ticker", "trade_date"])))
            symbols.update(keys["ticker"].unique())
            ends = (keys["trade_date"].min(), keys["trade_date"].max())
            days += [day for day in ends if day is not None]
    if not days:
        raise ResearchError(f"dataset {source} has no row with a day")
    return {
        "table": "ml_dataset",
        "rows": rows,
        "symbols": len(symbols),
        "date_range": {"first": str(min(days)), "last": str(max(days))},
        "filters": {"file": str(source)},
        **_known(source.with_name("metadata.json")),
        "columns": [{"name": name, "dtype": str(dtypes[name])} for name in names],
    }


def _known(metadata: Path) -> dict[str, Any]:
    """What only those who made the dataset know."""
    try:
        told = json.loads(metadata.read_text(encoding="utf-8"))
        return {
            "rows_are_sampled": bool(told["rows_are_sampled"]),
            "delisting": told.get("delisting"),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"rows_are_sampled": False, "delisting": None}
