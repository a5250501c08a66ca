"""Atomic, deterministic writers: a reader sees the old file or the whole new one."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # The workflow's own process writes JSON and need not load polars.
    import polars as pl


@dataclass(frozen=True, slots=True)
class ParquetOptions:
    """How a table is stored; the defaults are those of the settings."""

    helper_dtype: str = "float32"
    compression: Literal["zstd", "snappy", "lz4", "gzip", "brotli", "uncompressed"] = "zstd"
    compression_level: int | None = 1
    statistics: bool = True
    note: str | None = None
    """What the file's metadata says to its readers, as `note`."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to `path` when the block ends well.

    The temporary name is fixed for a target (one job writes one target), so what a killed job
    leaves behind is overwritten by the next attempt and never gathers.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_parquet(
    frame: pl.DataFrame,
    path: Path,
    options: ParquetOptions,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write one Parquet file; the same frame, options and `metadata` give the same bytes."""
    with replacing(path) as temporary:
        frame.write_parquet(
            temporary,
            compression=options.compression,
            compression_level=options.compression_level,
            statistics=options.statistics,
            metadata=metadata
            if options.note is None
            else {**(metadata or {}), "note": options.note},
        )


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write `frame` as CSV with a header; nulls are empty fields."""
    with replacing(path) as temporary:
        frame.write_csv(temporary)


def write_json(value: Any, path: Path) -> None:
    """Write `value` as readable JSON in its own key order; NaN is an error."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8", newline="\n")
