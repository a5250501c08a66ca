"""Cells of a sweep: each tries one specification and leaves one row, whatever becomes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl.errors import MfEtlError
from mf_etl.io import write_csv, write_json

OUTCOME_SCHEMA = {"status": pl.String, "error": pl.String}
"""Columns of every sweep. `status` is ok or failed; a failed cell has an `error`, and null in what it
did not come to."""


def write_row(
    told: Mapping[str, Any],
    work: Callable[[], Mapping[str, Any]],
    schema: Mapping[str, Any],
    path: Path,
) -> dict[str, Any]:
    """Write a cell's row as JSON and give it: the columns of `schema`, `told` and what `work` finds.

    What cannot be fitted is a row with status failed. Machinery that fails, such as a full disk,
    raises.
    """
    row: dict[str, Any] = dict.fromkeys(schema) | dict(told)
    try:
        row |= work()
        row["status"] = "ok"
    except (MfEtlError, ArithmeticError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        row |= {"status": "failed", "error": reason}
    write_json(row, path)
    return row


def write_table(
    cells: Sequence[Path],
    schema: Mapping[str, Any],
    order: Sequence[str],
    *,
    json_path: Path,
    csv: Path,
) -> pl.DataFrame:
    """Write the rows of `cells` as JSON and CSV, sorted by `order`; gives the table."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in cells]
    table = pl.DataFrame(rows, schema=schema, orient="row").sort(order)
    write_csv(table, csv)
    failed = table.filter(status="failed").height
    write_json({"cells": table.height, "failed": failed, "rows": table.to_dicts()}, json_path)
    return table
