"""The hidden regimes of an archive as one Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mf_etl.io import replacing
from mf_etl.synth.market import Bars

SCHEMA = pa.schema([("ticker", pa.string()), ("date", pa.date32()), ("regime", pa.int8())])
ROWS_A_GROUP = 1_000_000


def regime_rows(ticker: str, bars: Bars) -> pa.RecordBatch:
    """One row a bar, as in `SCHEMA`."""
    tickers = pa.repeat(ticker, len(bars))
    return pa.record_batch([tickers, pa.array(bars.date), pa.array(bars.regime)], schema=SCHEMA)


@contextmanager
def regime_file(path: Path) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Yield a function that adds rows to the file, which is there once the block has ended well.

    Rows go out in groups, so that no archive has to fit in memory.
    """
    waiting: list[pa.RecordBatch] = []
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as file,
    ):

        def write_waiting() -> None:
            file.write_table(
                pa.Table.from_batches(waiting, SCHEMA), row_group_size=2 * ROWS_A_GROUP
            )
            waiting.clear()

        def add(rows: pa.RecordBatch) -> None:
            waiting.append(rows)
            if sum(len(batch) for batch in waiting) >= ROWS_A_GROUP:
                write_waiting()

        yield add
        write_waiting()
