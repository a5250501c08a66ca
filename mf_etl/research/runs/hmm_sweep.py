"""One model for each number of states: a small row each, joined into a summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.models.hmm.fit import fit_report
from mf_etl.research.models.hmm.fitting import fitted_run
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.preparation.prepared_sequences import open_prepared
from mf_etl.research.runs.cells import OUTCOME_SCHEMA, write_row, write_table

CELL_SCHEMA = {
    "n_components": pl.Int64, "covariance_type": pl.String, "random_state": pl.Int64,
    **OUTCOME_SCHEMA, "train_rows": pl.Int64, "test_rows": pl.Int64,
    "log_likelihood_per_row_train": pl.Float64, "log_likelihood_per_row_test": pl.Float64,
    "free_parameters": pl.Int64, "aic": pl.Float64, "bic": pl.Float64, "icl": pl.Float64,
    "iterations": pl.Int64, "converged": pl.Boolean, "restarts": pl.Int64,
    "degenerate_states": pl.Int64, "smallest_occupancy": pl.Float64,
    "largest_occupancy": pl.Float64, "mean_probability_to_stay": pl.Float64,
}  # fmt: skip
"""Columns of a sweep summary."""


def write_cell(
    prepared_folder: Path, spec: HmmSpec, path: Path, *, threads: int = 1
) -> dict[str, Any]:
    """Fit once and write one summary row as JSON; gives the row (`cells.write_row`)."""
    told = {name: getattr(spec, name) for name in list(CELL_SCHEMA)[:3]}
    return write_row(told, lambda: _fit_row(prepared_folder, spec, threads), CELL_SCHEMA, path)


def join_cells(cells: Sequence[Path], json_path: Path, csv: Path, figure: Path) -> pl.DataFrame:
    """Write the rows of `cells` by number of states as JSON and CSV, and a figure; gives the table."""
    # Matplotlib takes a second to import, and cells and seeds do not draw.
    from mf_etl.research.evaluation.state_figures import write_sweep

    table = write_table(cells, CELL_SCHEMA, ["n_components"], json_path=json_path, csv=csv)
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
