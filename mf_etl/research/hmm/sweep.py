"""One model for each number of states: a small row each, joined into a summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.errors import MfEtlError
from mf_etl.io import write_csv, write_json
from mf_etl.research.hmm.fit import fit_report
from mf_etl.research.hmm.fitting import fitted_run
from mf_etl.research.hmm.prepared import open_prepared
from mf_etl.research.hmm.spec import HmmSpec

CELL_SCHEMA = {
    "n_components": pl.Int64, "covariance_type": pl.String, "random_state": pl.Int64,
    "status": pl.String, "error": pl.String, "train_rows": pl.Int64, "test_rows": pl.Int64,
    "log_likelihood_per_row_train": pl.Float64, "log_likelihood_per_row_test": pl.Float64,
    "free_parameters": pl.Int64, "aic": pl.Float64, "bic": pl.Float64, "icl": pl.Float64,
    "iterations": pl.Int64, "converged": pl.Boolean, "restarts": pl.Int64,
    "degenerate_states": pl.Int64, "smallest_occupancy": pl.Float64,
    "largest_occupancy": pl.Float64, "mean_probability_to_stay": pl.Float64,
}  # fmt: skip
"""Columns of a sweep summary. `status` is ok or failed; a failed cell has an `error`, and null in
what it did not come to."""


def write_cell(
    prepared_folder: Path, spec: HmmSpec, path: Path, *, threads: int = 1
) -> dict[str, Any]:
    """Fit once and write one summary row as JSON; gives the row.

    A fit that cannot be done is a row with status failed. Machinery that fails, such as a full disk,
    raises.
    """
    row: dict[str, Any] = dict.fromkeys(CELL_SCHEMA)
    row |= {name: getattr(spec, name) for name in list(CELL_SCHEMA)[:3]}
    try:
        row |= _fit_row(prepared_folder, spec, threads)
        row["status"] = "ok"
    except (MfEtlError, ArithmeticError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        row |= {"status": "failed", "error": reason}
    write_json(row, path)
    return row


def join_cells(cells: Sequence[Path], json_path: Path, csv: Path, figure: Path) -> pl.DataFrame:
    """Write the rows of `cells` by number of states as JSON and CSV, and a figure; gives the table."""
    # Matplotlib takes a second to import, and cells and seeds do not draw.
    from mf_etl.research.hmm.figures import write_sweep

    rows = [json.loads(path.read_text(encoding="utf-8")) for path in cells]
    table = pl.DataFrame(rows, schema=CELL_SCHEMA, orient="row").sort("n_components")
    write_csv(table, csv)
    failed = table.filter(status="failed").height
    write_json({"cells": table.height, "failed": failed, "rows": table.to_dicts()}, json_path)
    write_sweep(table, figure)
    return table


def _fit_row(prepared_folder: Path, spec: HmmSpec, threads: int) -> dict[str, Any]:
    found = fitted_run(open_prepared(prepared_folder), spec, threads)
    report = fit_report(found.model, found.records, found.train, found.test)
    likelihood = report["log_likelihood_per_row"]
    occupancy = found.train.occupancy
    told = {
        "log_likelihood_per_row_train": likelihood["train"],
        "log_likelihood_per_row_test": likelihood["test"],
        "restarts": len(found.records),
        "degenerate_states": len(report["degenerate_states"]),
        "smallest_occupancy": float(occupancy.min()),
        "largest_occupancy": float(occupancy.max()),
        "mean_probability_to_stay": float(np.diagonal(found.model.transmat_).mean()),
    }
    same = (
        "train_rows",
        "test_rows",
        "free_parameters",
        "aic",
        "bic",
        "icl",
        "iterations",
        "converged",
    )
    return told | {name: report[name] for name in same}
