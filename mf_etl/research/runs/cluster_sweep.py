"""Many specifications over one prepared matrix: a small row each, joined into a summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl.research.evaluation.cluster_profiles import cluster_profiles
from mf_etl.research.evaluation.cluster_robustness import FORWARD_RETURN, side_summary
from mf_etl.research.models.cluster_fitting import Clustering, clustered, clustering_metrics
from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.runs.cells import OUTCOME_SCHEMA, write_row, write_table

CELL_SCHEMA = {
    "method": pl.String, "n_clusters": pl.Int64, "covariance_type": pl.String, "seed": pl.Int64,
    **OUTCOME_SCHEMA, "fit_rows": pl.Int64, "clusters_found": pl.Int64,
    "noise_share": pl.Float64, "silhouette": pl.Float64, "davies_bouldin": pl.Float64,
    "calinski_harabasz": pl.Float64, "inertia": pl.Float64, "bic": pl.Float64, "aic": pl.Float64,
    "iterations": pl.Int64, "converged": pl.Boolean, "largest_share": pl.Float64,
    "effective_clusters": pl.Float64, "forward_separation": pl.Float64,
}  # fmt: skip
"""Columns of a sweep summary."""


def write_cell(
    prepared_folder: Path, spec: ClusteringSpec, path: Path, *, threads: int = 1
) -> dict[str, Any]:
    """Cluster once and write one summary row as JSON; gives the row (`cells.write_row`)."""
    told = {"method": spec.method, "n_clusters": spec.n_clusters, "seed": spec.seed}
    if spec.method == "gmm":
        told["covariance_type"] = spec.covariance_type

    def work() -> dict[str, Any]:
        prepared = Prepared(prepared_folder)
        return run_row(prepared, clustered(prepared, spec, threads), threads)

    return write_row(told, work, CELL_SCHEMA, path)


def run_row(prepared: Prepared, found: Clustering, threads: int) -> dict[str, Any]:
    """Metrics, balance and forward separation of one clustering, by the names of `CELL_SCHEMA`."""
    metrics = clustering_metrics(prepared, found, threads)["fit"]
    profiles = cluster_profiles(
        prepared,
        found.labels,
        found.model.clusters,
        {"predict": prepared.is_predict},
        features=(),
        outcomes=(FORWARD_RETURN,),
    )
    told = {**metrics, "fit_rows": metrics["rows"], **side_summary(profiles["predict"])}
    return {name: told[name] for name in CELL_SCHEMA if name in told}


def join_cells(cells: Sequence[Path], csv: Path, json_path: Path, figure: Path) -> pl.DataFrame:
    """Write the rows of `cells` by method, covariance and clusters as CSV and JSON; and a figure.

    Gives the table.
    """
    # Matplotlib takes a second to import, and cells and seeds do not draw.
    from mf_etl.research.evaluation.cluster_figures import write_silhouette_by_clusters

    order = ("method", "covariance_type", "n_clusters", "seed")
    table = write_table(cells, CELL_SCHEMA, order, json_path=json_path, csv=csv)
    write_silhouette_by_clusters(table, figure)
    return table
