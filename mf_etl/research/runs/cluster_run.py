"""The folder of one clustering run: model, clusters of all rows, profiles, summaries, figures."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.io import ParquetOptions, replacing, write_csv, write_json, write_parquet
from mf_etl.research.datasets.columns import OUTCOMES
from mf_etl.research.datasets.streaming import RowGroupWriter
from mf_etl.research.evaluation.cluster_figures import (
    write_cluster_sizes,
    write_outcome_intervals,
    write_profile_heatmap,
)
from mf_etl.research.evaluation.cluster_profiles import cluster_profiles, state_distribution
from mf_etl.research.evaluation.cluster_robustness import robustness_summary
from mf_etl.research.models.cluster_fitting import Clustering, clustered, clustering_metrics
from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.models.clusters import save_model
from mf_etl.research.preparation.prepare import SCALER
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.source import KEYS
from mf_etl.research.runs.catalog import CLUSTERING_PERIODS, CLUSTERING_RUN
from mf_etl.schemas.ml_dataset import arrow_schema

COPIED = ("preprocess_summary", "split_summary", "scaler_params")
"""Files of the prepared matrix that a run keeps: what came before it can be read beside it."""

SIDES = ("train", "test")
SAMPLE_ROWS = 100_000
PACKAGES = ("mf_etl", "numpy", "scikit-learn", "hdbscan", "numba", "polars")


def write_run(
    prepared_folder: Path,
    spec: ClusteringSpec,
    folder: Path,
    *,
    options: ParquetOptions,
    threads: int = 1,
) -> dict[str, Any]:
    """Cluster a prepared matrix and write `CLUSTERING_RUN` into `folder`; gives the run summary.

    ``cluster_profile`` is of the rows predicted. ``clustered_dataset.parquet`` holds every row of the
    matrix with `cluster_id` (Int16, −1 is noise) and, but for kmeans, `probability`. The bytes do not
    depend on `threads`. Raises `ResearchError` for a matrix or a specification that cannot be used;
    then nothing is written.
    """
    prepared = Prepared(prepared_folder)
    found = clustered(prepared, spec, threads)
    metrics = clustering_metrics(prepared, found, threads)
    profiles = cluster_profiles(
        prepared, found.labels, found.model.clusters, sides_of(prepared), threads=threads
    )
    profile = profiles["predict"]
    robustness = robustness_summary(profiles, metrics["fit"]["silhouette"])
    states = state_distribution(prepared, found.labels, found.model.clusters, prepared.is_predict)
    summary = _run_summary(prepared, found, metrics, robustness)
    paths = {name: folder / file for name, file in CLUSTERING_RUN.items()}
    write_parquet(profile, paths["cluster_profile"], options)
    write_csv(profile, paths["cluster_profile_csv"])
    write_parquet(states, paths["cluster_state_distribution"], options)
    _write_clusters(prepared, found, paths, options)
    copy_beside(prepared_folder, paths)
    save_model(found.model, _about(prepared, spec), folder)
    write_cluster_sizes(profile, paths["cluster_sizes_figure"])
    write_profile_heatmap(profile, prepared.features, paths["profile_heatmap_figure"])
    write_outcome_intervals(profile, OUTCOMES[:3], paths["outcome_intervals_figure"])
    write_json(metrics, paths["clustering_metrics"])
    write_json(robustness, paths["robustness_summary"])
    write_json(summary, paths["run_summary"])
    return summary


def write_periods(
    prepared_folder: Path,
    clustered_dataset: Path,
    folder: Path,
    *,
    options: ParquetOptions,
    threads: int = 1,
) -> None:
    """Profiles of the train and the test period of a finished run: `CLUSTERING_PERIODS`.

    Outcomes of train rows that reach into the test period count nowhere. Raises `ResearchError` if
    the clusters are not of this matrix.
    """
    prepared = Prepared(prepared_folder)
    labels = (
        pl.read_parquet(clustered_dataset, columns=["cluster_id"], glob=False)
        .to_series()
        .to_numpy()
    )
    if len(labels) != prepared.rows:
        raise ResearchError(f"{clustered_dataset} is not of {prepared_folder}; run it again")
    sides = {side: mask for side, mask in sides_of(prepared).items() if side in SIDES}
    profiles = cluster_profiles(prepared, labels, int(labels.max()) + 1, sides, threads=threads)
    for side, profile in profiles.items():
        write_parquet(profile, folder / CLUSTERING_PERIODS[f"cluster_profile_{side}"], options)
        write_csv(profile, folder / CLUSTERING_PERIODS[f"cluster_profile_{side}_csv"])


def copy_beside(prepared_folder: Path, paths: Mapping[str, Path]) -> None:
    """Copy `COPIED` of a prepared matrix to where `paths` has them."""
    for name in COPIED:
        with replacing(paths[name]) as temporary:
            shutil.copyfile(prepared_folder / paths[name].name, temporary)


def sides_of(prepared: Prepared) -> dict[str, np.ndarray]:
    """Rows that profiles are made of: those predicted and, with a split by time, each period."""
    sides = {"predict": prepared.is_predict}
    if prepared.summary["spec"]["split_mode"] == "time":
        sides |= {side: prepared.equals("period", side) for side in SIDES}
    return sides


def _write_clusters(
    prepared: Prepared, found: Clustering, paths: Mapping[str, Path], options: ParquetOptions
) -> None:
    """All rows with their clusters, and a seeded sample of them with all columns."""
    names = [*KEYS, "is_fit", "is_predict"]
    added = {"cluster_id": found.labels}
    if found.probability is not None:
        added["probability"] = found.probability
    sampled = _sampled(prepared.rows, found.spec.seed)
    empty = pl.DataFrame({name: values[:0] for name, values in added.items()})
    groups = prepared.row_groups()
    schema = next(groups).clear().select(names).hstack(empty).schema
    parts: list[pl.DataFrame] = []
    start = 0
    with (
        replacing(paths["clustered_dataset"]) as temporary,
        RowGroupWriter(temporary, arrow_schema(schema), options) as writer,
    ):
        for group in prepared.row_groups():
            inside = slice(start, start + group.height)
            rows = group.with_columns(pl.Series(n, a[inside]) for n, a in added.items())
            writer.add(rows.select(schema.names()))
            here = np.searchsorted(sampled, (inside.start, inside.stop))
            parts.append(rows[sampled[slice(*here)] - start])
            start = inside.stop
    write_parquet(pl.concat(parts), paths["clustered_dataset_sample"], options)


def _sampled(rows: int, seed: int) -> np.ndarray:
    if rows <= SAMPLE_ROWS:
        return np.arange(rows)
    random = np.random.default_rng(seed)
    return np.sort(random.choice(rows, SAMPLE_ROWS, replace=False, shuffle=False))


def _about(prepared: Prepared, spec: ClusteringSpec) -> dict[str, Any]:
    preparation = prepared.summary["spec"]
    return {
        "spec": spec.model_dump(mode="json"),
        "features": list(prepared.features),
        "scaler": SCALER,
        "scaling_scope": preparation["scaling_scope"],
        "clip_zscore": preparation["clip_zscore"],
    }


def _run_summary(
    prepared: Prepared, found: Clustering, metrics: dict[str, Any], robustness: dict[str, Any]
) -> dict[str, Any]:
    fit = metrics["fit"]
    return {
        "method": found.spec.method,
        "n_clusters": found.spec.n_clusters,
        "clusters_found": fit["clusters_found"],
        "dataset": prepared.summary["dataset"],
        "features": list(prepared.features),
        "rows": prepared.rows,
        "predict_rows": int(prepared.is_predict.sum()),
        "tickers": len(prepared.ticker_codes[0]),
        "fit_sample": found.sample.record,
        "converged": fit.get("converged"),
        "iterations": fit.get("iterations"),
        "silhouette": fit["silhouette"],
        "noise_share": fit["noise_share"],
        "forward_separation": robustness["forward_separation"],
        "notes": [*_notes(prepared, found, fit), *robustness["notes"]],
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _notes(prepared: Prepared, found: Clustering, fit: dict[str, Any]) -> list[str]:
    notes = [
        f"{name} has one value on the rows fitted on: scaled to 0, it tells no clusters apart"
        for name in prepared.summary["constant_features"]
    ]
    asked = found.spec.n_clusters
    if asked is not None and fit["clusters_found"] < asked:
        notes.append(f"{fit['clusters_found']} of {asked} clusters have rows to fit on")
    if asked is None and not fit["clusters_found"]:
        notes.append("no cluster was found: every row is noise; lower min_cluster_size")
    if fit.get("converged") is False:
        notes.append(f"the fit had not converged after {fit['iterations']} iterations")
    if found.sample.record["sampled"]:
        record = found.sample.record
        notes.append(f"fitted on {record['rows']:,} rows of {record['tickers']} tickers")
    return notes
