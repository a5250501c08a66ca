"""Cells of a sweep: each tries one specification and leaves one row, whatever becomes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl.errors import MfEtlError
from mf_etl.io import write_csv, write_json
from mf_etl.research.evaluation.evaluate import refuse_missing
from mf_etl.research.evaluation.geometry import geometry
from mf_etl.research.evaluation.groups import Groups
from mf_etl.research.evaluation.profiles import profiles
from mf_etl.research.evaluation.robustness import balance
from mf_etl.research.evaluation.separation import separations
from mf_etl.research.labels.labelled import LabelledRows, label_rows
from mf_etl.research.models.clusters import ClusterModel
from mf_etl.research.models.interface import Fitted, Spec
from mf_etl.research.preparation.blocks import MatrixRows
from mf_etl.research.preparation.prepared import Prepared, data_name

_TRIED = {"method": pl.String, "covariance_type": pl.String, "seed": pl.Int64}
_ANY = {
    "status": pl.String, "error": pl.String, "train_rows": pl.Int64, "iterations": pl.Int64,
    "converged": pl.Boolean, "degenerate_states": pl.Int64, "largest_share": pl.Float64,
    "effective_labels": pl.Float64, "forward_separation": pl.Float64,
    "p_shifted": pl.Float64, "log_likelihood_per_row": pl.Float64, "bic": pl.Float64,
    "aic": pl.Float64,
}  # fmt: skip
_TEST = {
    "test_rows": pl.Int64,
    "test_log_likelihood_per_row": pl.Float64,
    "test_forward_separation": pl.Float64,
}
_CLUSTERS = {
    "clusters_found": pl.Int64, "noise_share": pl.Float64, "silhouette": pl.Float64,
    "davies_bouldin": pl.Float64, "calinski_harabasz": pl.Float64, "inertia": pl.Float64,
}  # fmt: skip
_STATES = {
    "icl": pl.Float64, "free_parameters": pl.Int64, "smallest_occupancy": pl.Float64,
    "largest_occupancy": pl.Float64, "mean_probability_to_stay": pl.Float64,
}  # fmt: skip

CELL_SCHEMA: dict[str, dict[str, type[pl.DataType]]] = {
    "clustering": {"n_clusters": pl.Int64, **_TRIED, **_ANY, **_CLUSTERS, **_TEST},
    "hmm": {"n_components": pl.Int64, **_TRIED, **_ANY, **_STATES, **_TEST},
}
"""Columns of a sweep by research. All but `test_…` are of the rows fitted on; `status` is ok or
failed, and a failed cell has an `error` and null in what it did not come to."""

ORDER = {
    "clustering": ("method", "covariance_type", "n_clusters", "seed"),
    "hmm": ("n_components", "seed"),
}


def write_cell(
    prepared_folder: Path,
    dataset: Path,
    research: str,
    spec: Spec,
    path: Path,
    *,
    threads: int = 1,
) -> dict[str, Any]:
    """Fit once and write one summary row as JSON; gives the row.

    The file also has ``data``, the dataset's name, and ``notes`` on it.

    What cannot be fitted is a row with status failed. Machinery that fails, such as a full disk,
    raises.
    """
    schema = CELL_SCHEMA[research]
    row: dict[str, Any] = dict.fromkeys(schema) | spec.told()
    notes: list[str] = []
    try:
        prepared = Prepared(prepared_folder, dataset)
        refuse_missing(prepared)
        notes = prepared.notes
        fitted = spec.model().fitted(prepared, spec, threads)
        labelled = label_rows(fitted.model, prepared, threads)
        row |= fit_row(prepared, fitted, labelled, research, spec, threads)
        row["status"] = "ok"
    except (MfEtlError, ArithmeticError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        row |= {"status": "failed", "error": reason}
    write_json(row | {"data": data_name(dataset), "notes": notes}, path)
    return row


def fit_row(
    prepared: Prepared,
    fitted: Fitted,
    labelled: LabelledRows,
    research: str,
    spec: Spec,
    threads: int,
) -> dict[str, Any]:
    """What a fit comes to, by the names of `CELL_SCHEMA`."""
    told = {name: value for name, value in fitted.report.items() if not isinstance(value, dict)}
    told["degenerate_states"] = len(fitted.report.get("degenerate_states", []))
    if research == "clustering":
        told |= _of_clusters(prepared, fitted, labelled, spec, threads)
    else:
        told |= _of_states(fitted)
    groups = Groups.of(labelled)
    profile = profiles(groups, features=(), outcomes=())
    apart, _ = separations(groups, spec.seed, with_intervals=False)
    periods = {period: found for (_, period), found in apart.items()}
    learnt = periods.get("train", periods.get("all"))
    if learnt is not None:
        told |= balance(profile.filter(pl.col("period").is_in(("train", "all"))), groups.label_name)
        told |= {
            "forward_separation": learnt.value,
            "p_shifted": learnt.p_shifted,
        }
    if "test" in periods and prepared.held_out.any():
        told["test_forward_separation"] = periods["test"].value
    return {name: told[name] for name in CELL_SCHEMA[research] if name in told}


def geometry_of(
    prepared: Prepared, labelled: LabelledRows, spec: Spec, threads: int
) -> dict[str, Any]:
    """`geometry` by the options of a clustering."""
    rows = getattr(spec, "silhouette_rows", 20_000)
    return geometry(prepared, labelled, silhouette_rows=rows, seed=spec.seed, threads=threads)


def write_sweep(
    cells: Sequence[Path], research: str, *, json_path: Path, csv: Path, figure: Path
) -> pl.DataFrame:
    """Write the rows of `cells` as JSON and CSV, and a figure; gives the table."""
    # Matplotlib takes a second to import, and cells and seeds do not draw.
    from mf_etl.plots.base import save
    from mf_etl.research.evaluation.study_figures import sweep

    tried = [json.loads(path.read_text(encoding="utf-8")) for path in cells]
    rows = [{name: cell[name] for name in CELL_SCHEMA[research]} for cell in tried]
    table = pl.DataFrame(rows, schema=CELL_SCHEMA[research], orient="row").sort(ORDER[research])
    write_csv(table, csv)
    failed = table.filter(status="failed").height
    notes = [SPENT, *dict.fromkeys(note for cell in tried for note in cell["notes"])]
    told = {"cells": table.height, "failed": failed, "notes": notes, "rows": table.to_dicts()}
    write_json(told, json_path)
    named = table.with_columns(
        pl.concat_str("method", "covariance_type", separator=" ", ignore_nulls=True).alias("line")
    )
    if research == "clustering":
        named = named.with_columns(n_clusters=pl.coalesce("n_clusters", "clusters_found"))
    curves = ("silhouette", "log_likelihood_per_row", "bic", "forward_separation",
              "test_log_likelihood_per_row", "test_forward_separation")  # fmt: skip
    shown = [name for name in curves if name in table.columns]
    x = "n_clusters" if research == "clustering" else "n_components"
    save(sweep(named, x, "line", shown, tried[0]["data"]), figure)
    return table


SPENT = (
    "test_… columns are of the test period: a number of labels that is chosen by them has spent the "
    "test, and needs later data to be judged by"
)


def _of_clusters(
    prepared: Prepared, fitted: Fitted, labelled: LabelledRows, spec: Spec, threads: int
) -> Mapping[str, Any]:
    metrics = geometry_of(prepared, labelled, spec, threads)
    told = dict(metrics["fit"])
    told["train_rows"] = told.pop("rows")
    test = prepared.held_out
    told["test_rows"] = int(test.sum())
    if isinstance(fitted.model, ClusterModel) and test.any():
        rows = MatrixRows(prepared.matrix, test)
        told["test_log_likelihood_per_row"] = fitted.model.log_likelihood_per_row(rows, threads)
    return told


def _of_states(fitted: Fitted) -> Mapping[str, Any]:
    likelihood = fitted.report["log_likelihood_per_row"]
    occupancy = fitted.report["occupancy"]
    steps = fitted.model.tables()["transition_matrix"].drop("from_state").to_numpy()
    return {
        "log_likelihood_per_row": likelihood["train"],
        "test_log_likelihood_per_row": likelihood["test"],
        "smallest_occupancy": min(occupancy),
        "largest_occupancy": max(occupancy),
        "mean_probability_to_stay": float(steps.diagonal().mean()),
    }
