"""A dataset as comma-separated values, one row group at a time."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mf_etl.errors import ResearchError
from mf_etl.io import replacing


def write_dataset_csv(dataset: Path, target: Path) -> int:
    """Write every row of `dataset` to `target` in its order, and give their number.

    A header line comes first, nulls are empty fields, days are ISO dates, and numbers have as many
    digits as tell them apart in their dtype. Memory is that of one row group. Raises `ResearchError`
    if `dataset` cannot be read; then `target` stays as it was.
    """
    rows = 0
    try:
        with (
            pq.ParquetFile(dataset) as file,
            replacing(target) as temporary,
            temporary.open("wb") as output,
        ):
            _write(file.schema_arrow.empty_table(), output, header=True)
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                _write(table, output, header=False)
                rows += table.num_rows
    except (OSError, pa.ArrowInvalid) as error:
        reason = str(error).splitlines()[0]
        raise ResearchError(f"dataset {dataset}: {reason}; export the dataset again") from None
    return rows


def _write(table: pa.Table, output: IO[bytes], *, header: bool) -> None:
    pl.DataFrame(pl.from_arrow(table)).write_csv(output, include_header=header)
