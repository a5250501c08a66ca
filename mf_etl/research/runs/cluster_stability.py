"""The same clustering from several seeds: how far its clusters are the same."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.io import ParquetOptions, replacing, write_csv, write_json, write_parquet
from mf_etl.research.evaluation.cluster_robustness import LEAST_ARI
from mf_etl.research.evaluation.contingency import labels_ari
from mf_etl.research.models.cluster_fitting import clustered
from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.runs.catalog import CLUSTERING_STABILITY, SEED_FILES
from mf_etl.research.runs.cluster_sweep import CELL_SCHEMA, run_row

LABELS, SEED_METRICS = SEED_FILES.values()

BY_SEED_SCHEMA = {
    name: dtype for name, dtype in CELL_SCHEMA.items() if name not in ("status", "error")
}


def write_seed(
    prepared_folder: Path, spec: ClusteringSpec, folder: Path, *, threads: int = 1
) -> dict[str, Any]:
    """Cluster by ``spec.seed`` and write `SEED_FILES`; gives the metrics.

    ``labels.npy`` is int16, one canonical id a row that is predicted, in the order of the matrix.
    With `max_fit_rows` the seed draws the tickers to fit on, too.
    """
    prepared = Prepared(prepared_folder)
    found = clustered(prepared, spec, threads)
    told: dict[str, Any] = dict.fromkeys(BY_SEED_SCHEMA)
    told |= {"method": spec.method, "n_clusters": spec.n_clusters, "seed": spec.seed}
    if spec.method == "gmm":
        told["covariance_type"] = spec.covariance_type
    told |= run_row(prepared, found, threads)
    with replacing(folder / LABELS) as temporary, temporary.open("wb") as file:
        np.save(file, found.labels[prepared.is_predict])
    write_json(told, folder / SEED_METRICS)
    return told


def join_seeds(
    seed_folders: Sequence[Path], folder: Path, *, options: ParquetOptions
) -> dict[str, Any]:
    """Compare every pair of seeds and write `CLUSTERING_STABILITY`; gives the summary.

    Raises `ResearchError` for fewer than two seeds, a seed twice, and seeds of different matrices.
    """
    # Matplotlib takes a second to import, and cells and seeds do not draw.
    from mf_etl.research.evaluation.figures import write_ari_matrix

    rows = [_metrics(path) for path in seed_folders]
    order = sorted(range(len(rows)), key=lambda i: rows[i]["seed"])
    seeds = [rows[i]["seed"] for i in order]
    if len(set(seeds)) < max(2, len(seeds)):
        raise ResearchError(f"a stability study needs two seeds or more, each once, not {seeds}")
    by_seed = pl.DataFrame([rows[i] for i in order], schema=BY_SEED_SCHEMA, orient="row")
    labels = [np.load(seed_folders[i] / LABELS, mmap_mode="r", allow_pickle=False) for i in order]
    if len({len(of_seed) for of_seed in labels}) > 1:
        raise ResearchError(
            "the seeds of a stability study are of different matrices; run it again"
        )
    pairs = _pairwise(seeds, labels)
    summary = _summary(by_seed, pairs)
    by_seed = by_seed.with_columns(_mean_ari_of_each(seeds, pairs))
    paths = {name: folder / file for name, file in CLUSTERING_STABILITY.items()}
    write_parquet(by_seed, paths["stability_by_seed"], options)
    write_csv(by_seed, paths["stability_by_seed_csv"])
    write_csv(pairs, paths["stability_pairwise_ari"])
    write_csv(_sizes(seeds, labels), paths["stability_cluster_sizes"])
    write_ari_matrix(seeds, _matrix(seeds, pairs), paths["stability_figure"])
    write_json(summary, paths["stability_summary"])
    return summary


def _metrics(folder: Path) -> dict[str, Any]:
    return json.loads((folder / SEED_METRICS).read_text(encoding="utf-8"))


def _pairwise(seeds: list[int], labels: list[np.ndarray]) -> pl.DataFrame:
    pairs = itertools.combinations(range(len(seeds)), 2)
    rows = [(seeds[i], seeds[j], labels_ari(labels[i], labels[j])) for i, j in pairs]
    schema = {"seed_a": pl.Int64, "seed_b": pl.Int64, "ari": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _matrix(seeds: list[int], pairs: pl.DataFrame) -> np.ndarray:
    matrix = np.eye(len(seeds))
    place = {seed: i for i, seed in enumerate(seeds)}
    for one, other, ari in pairs.iter_rows():
        matrix[place[one], place[other]] = matrix[place[other], place[one]] = ari
    return matrix


def _mean_ari_of_each(seeds: list[int], pairs: pl.DataFrame) -> pl.Series:
    means = [
        pairs.filter((pl.col("seed_a") == seed) | (pl.col("seed_b") == seed))["ari"].mean()
        for seed in seeds
    ]
    return pl.Series("mean_ari", means, dtype=pl.Float64)


def _sizes(seeds: list[int], labels: list[np.ndarray]) -> pl.DataFrame:
    """Rows and share of each cluster of each seed."""
    frames = []
    for seed, of_seed in zip(seeds, labels, strict=True):
        counts = np.bincount(of_seed.astype(np.int64) + 1)
        found = np.flatnonzero(counts)
        frames.append(
            pl.DataFrame(
                {
                    "seed": [seed] * len(found),
                    "cluster_id": found - 1,
                    "rows": counts[found],
                    "share": counts[found] / len(of_seed),
                }
            )
        )
    return pl.concat(frames)


def _summary(by_seed: pl.DataFrame, pairs: pl.DataFrame) -> dict[str, Any]:
    ari = pairs.get_column("ari").to_numpy()
    found = by_seed.get_column("clusters_found")
    notes = []
    if ari.mean() < LEAST_ARI:
        notes.append(
            f"mean ARI {ari.mean():.4g} is below {LEAST_ARI:g}: clusters change with the seed"
        )
    return {
        "method": by_seed.get_column("method")[0],
        "n_clusters": by_seed.get_column("n_clusters")[0],
        "seeds": by_seed.get_column("seed").to_list(),
        "pairs": len(ari),
        "mean_ari": float(ari.mean()),
        "smallest_ari": float(ari.min()),
        "largest_ari": float(ari.max()),
        "std_ari": float(ari.std()),
        "clusters_found": {"smallest": found.min(), "largest": found.max()},
        **{name: _spread(by_seed, name) for name in ("silhouette", "forward_separation")},
        "thresholds": {"mean_ari_at_least": LEAST_ARI},
        "notes": notes,
    }


def _spread(by_seed: pl.DataFrame, name: str) -> dict[str, float | None]:
    values = by_seed.get_column(name).drop_nulls().to_numpy()
    if not len(values):
        return {"mean": None, "std": None}
    return {"mean": float(values.mean()), "std": float(values.std())}
