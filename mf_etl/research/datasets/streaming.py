"""Work on pieces in parallel with results in order, and Parquet files written as a stream.

Both hold a bounded number of pieces, so memory does not grow with how many there are.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mf_etl.io import ParquetOptions

ROW_GROUP_ROWS = 131_072
"""Rows of every row group but the last. Fixed: shards of later sums are row groups."""

_TAKES_LEVEL = ("zstd", "gzip", "brotli")

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """`function` of each item on up to `threads` threads, results in the order of `items`.

    At most twice as many items as threads are under way, and one thread works without a pool. An
    error is raised where its result would have come; items not yet begun are dropped.
    """
    if threads == 1:
        yield from map(function, items)
        return
    waiting: collections.deque[Future[Result]] = collections.deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) == 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class RowGroupWriter:
    """Writes frames of any height as one Parquet file of row groups of `ROW_GROUP_ROWS` rows.

    The bytes depend on the rows, the schema and the options, not on how the rows were cut into
    frames. Use as a context manager; `path` should be a temporary one (see `mf_etl.io.replacing`).
    """

    def __init__(
        self,
        path: Path,
        schema: pa.Schema,
        options: ParquetOptions,
        *,
        ascending: Collection[str] = (),
    ) -> None:
        """`ascending` columns are whole numbers or days that mostly grow: stored as differences."""
        level = options.compression_level if options.compression in _TAKES_LEVEL else None
        self._schema = schema.with_metadata({"note": options.note}) if options.note else schema
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self.rows = 0
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="none" if options.compression == "uncompressed" else options.compression,
            compression_level=level,
            write_statistics=options.statistics,
            # Floats hardly repeat: a dictionary of them costs memory and time for nothing.
            use_dictionary=[
                f.name
                for f in schema
                if not pa.types.is_floating(f.type) and f.name not in ascending
            ],
            column_encoding=dict.fromkeys(ascending, "DELTA_BINARY_PACKED") or None,
        )

    def __enter__(self) -> RowGroupWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._pending_rows:
                self._write(self._gathered())
        finally:
            self._writer.close()

    def add(self, frame: pl.DataFrame | pa.Table) -> None:
        """Append rows; full row groups are written."""
        rows = frame if isinstance(frame, pa.Table) else as_arrow(frame, self._schema)
        self._pending.append(rows)
        self._pending_rows += rows.num_rows
        self.rows += rows.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            gathered = self._gathered()
            whole = gathered.num_rows - gathered.num_rows % ROW_GROUP_ROWS
            for start in range(0, whole, ROW_GROUP_ROWS):
                self._write(gathered.slice(start, ROW_GROUP_ROWS))
            rest = gathered.slice(whole)
            self._pending, self._pending_rows = [rest], rest.num_rows

    def _gathered(self) -> pa.Table:
        return pa.concat_tables(self._pending).combine_chunks()

    def _write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)


def as_arrow(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """The rows of a frame as a file of `schema` has them."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)
