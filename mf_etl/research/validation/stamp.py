"""What every file of an in-sample validation says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from mf_etl.io import ParquetOptions
from mf_etl.research.validation.request import ValidationRequest

IN_SAMPLE = (
    "IN-SAMPLE: labels of rows that the model was fitted on, or chosen with later days in sight; "
    "nothing of this proves anything"
)


def storage(options: ParquetOptions, asked: ValidationRequest) -> ParquetOptions:
    """`options` with the note in the file's metadata, if it is in-sample."""
    return replace(options, note=IN_SAMPLE) if asked.in_sample else options


def told(values: Mapping[str, Any], asked: ValidationRequest) -> dict[str, Any]:
    """`values` of a JSON file, the note first."""
    return {"note": IN_SAMPLE, **values} if asked.in_sample else dict(values)


def rows(table: pl.DataFrame, asked: ValidationRequest) -> pl.DataFrame:
    """Rows of a CSV file, which holds nothing but columns: the note is one."""
    return table.with_columns(pl.lit(IN_SAMPLE).alias("note")) if asked.in_sample else table
