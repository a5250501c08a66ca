"""Names of the files of research runs, once: by the name that a rule's output has.

Imports nothing heavy: every plan reads it.
"""

from __future__ import annotations

from mf_etl.catalog import Dataset
from mf_etl.research.requests import Request
from mf_etl.settings.sections import Paths

RUN_PATTERN = r"[a-z0-9][A-Za-z0-9._-]{0,179}"
CELL_PATTERN = r"[a-z0-9-]{1,40}"
PREPARATION_PATTERN = r"[0-9a-f]{12}"

PREPARED = {
    "prepared_matrix": "matrix.npy",
    "prepared_rows": "rows.parquet",
    "prepared_scaler": "scaler_params.parquet",
    "prepared_summary": "preprocess_summary.json",
    "prepared_split": "split_summary.json",
}
"""Of a prepared matrix: ``gold/prepared/{dataset}/{preparation}/`` in the data."""

CLUSTERING_RUN = {
    "run_summary": "run_summary.json",
    "preprocess_summary": "preprocess_summary.json",
    "split_summary": "split_summary.json",
    "scaler_params": "scaler_params.parquet",
    "clustering_metrics": "clustering_metrics.json",
    "cluster_profile": "cluster_profile.parquet",
    "cluster_profile_csv": "cluster_profile.csv",
    "cluster_state_distribution": "cluster_state_distribution.parquet",
    "clustered_dataset": "clustered_dataset.parquet",
    "clustered_dataset_sample": "clustered_dataset_sample.parquet",
    "robustness_summary": "robustness_summary.json",
    "model": "model.json",
    "model_arrays": "model.npz",
    "cluster_sizes_figure": "cluster_sizes.svg",
    "profile_heatmap_figure": "profile_heatmap.svg",
    "outcome_intervals_figure": "outcome_intervals.svg",
}
"""Of ``research_runs/{run}/`` in the results, besides ``spec.yaml``."""

CLUSTERING_PERIODS = {
    f"cluster_profile_{period}{suffix}": f"cluster_profile_{period}.{form}"
    for period in ("train", "test")
    for suffix, form in (("", "parquet"), ("_csv", "csv"))
}
"""Also of a run whose preparation splits by time."""

CLUSTERING_STABILITY = {
    "stability_summary": "stability_summary.json",
    "stability_by_seed": "stability_by_seed.parquet",
    "stability_by_seed_csv": "stability_by_seed.csv",
    "stability_pairwise_ari": "stability_pairwise_ari.csv",
    "stability_cluster_sizes": "stability_cluster_sizes_by_seed.csv",
    "stability_figure": "stability_ari_matrix.svg",
}
"""Of ``research_runs/{run}/``; each seed has ``seeds/{cell}/``."""

HMM_RUN: dict[str, str] = {}
"""Of ``hmm_runs/{run}/`` in the results, besides ``spec.yaml``."""

FILES = {
    "clustering_run": CLUSTERING_RUN,
    "clustering_sweep": {},
    "clustering_stability": CLUSTERING_STABILITY,
    "hmm_run": HMM_RUN,
    "hmm_sweep": {},
    "hmm_stability": {},
}
"""By the kind of a run."""

SPEC = "spec.yaml"
RUNS_FOLDERS = {"clustering": "research_runs", "hmm": "hmm_runs"}


def prepared_patterns(paths: Paths) -> dict[str, Dataset]:
    """Pattern of each file of a prepared matrix."""
    root = f"{paths.data_root}/gold/prepared/{{dataset}}/{{preparation}}"
    return patterns(root, PREPARED, "prepared_matrix", paths)


def runs_root(paths: Paths, research: str) -> str:
    """Folder of all runs of `clustering` or `hmm`."""
    return f"{paths.results_root}/{RUNS_FOLDERS[research]}"


def patterns(root: str, files: dict[str, str], step: str, paths: Paths) -> dict[str, Dataset]:
    """Pattern of each of the `files` below `root`; `step` names the log."""
    return {name: Dataset(f"{root}/{file}", step, paths.logs_root) for name, file in files.items()}


def run_files(request: Request) -> dict[str, str]:
    """The files that make a run of this kind complete, by name; cells and seeds are apart."""
    files = dict(FILES[request.kind])
    if request.kind == "clustering_run" and request.preparation.split_mode == "time":
        files |= CLUSTERING_PERIODS
    return files


CLUSTERING_SWEEP = ("_summary.csv", "_summary.json", "_silhouette.svg")
"""Of a sweep over clusterings: beside its folder, its name and these."""


def final_files(paths: Paths, request: Request, folder: str) -> list[str]:
    """The files that a run is asked for by: those of `run_files`, or the summary of a sweep."""
    root = runs_root(paths, request.research)
    if request.kind == "clustering_sweep":
        return [f"{root}/{folder}{end}" for end in CLUSTERING_SWEEP]
    return [f"{root}/{folder}/{name}" for name in run_files(request).values()]
