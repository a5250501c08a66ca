"""Names of the files of research runs, once: by the name that a rule's output has.

Imports nothing heavy: every plan reads it.
"""

from __future__ import annotations

from mf_etl.catalog import Dataset
from mf_etl.research.runs.requests import Request
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

CLUSTERING_SWEEP = ("_summary.csv", "_summary.json", "_silhouette.svg")
"""Beside the folder of a sweep: its name and these; each cell has ``cells/{cell}.json`` in it."""

CLUSTERING_STABILITY = {
    "stability_summary": "stability_summary.json",
    "stability_by_seed": "stability_by_seed.parquet",
    "stability_by_seed_csv": "stability_by_seed.csv",
    "stability_pairwise_ari": "stability_pairwise_ari.csv",
    "stability_cluster_sizes": "stability_cluster_sizes_by_seed.csv",
    "stability_figure": "stability_ari_matrix.svg",
}
"""Of ``research_runs/{run}/``; each seed has ``seeds/{cell}/``."""

SEED_FILES = {"seed_labels": "labels.npy", "seed_metrics": "metrics.json"}
"""Of each seed of a clustering's stability study."""

HMM_RUN = {
    "run_summary": "run_summary.json",
    "preprocess_summary": "preprocess_summary.json",
    "split_summary": "split_summary.json",
    "scaler_params": "scaler_params.parquet",
    "hmm_model_meta": "hmm_model_meta.json",
    "hmm_startprob": "hmm_startprob.npy",
    "hmm_transmat": "hmm_transmat.npy",
    "hmm_means": "hmm_means.npy",
    "hmm_covars": "hmm_covars.npy",
    "decoded_rows": "decoded_rows.parquet",
    "hmm_state_profile": "hmm_state_profile.parquet",
    "hmm_state_profile_csv": "hmm_state_profile.csv",
    "transition_matrix": "transition_matrix.csv",
    "transition_counts": "transition_counts.csv",
    "dwell_stats": "dwell_stats.csv",
    "state_frequency": "state_frequency.csv",
    "initial_state_distribution": "initial_state_distribution.csv",
    "state_confidence_stats": "state_confidence_stats.csv",
    "flow_state_crosstab": "hmm_vs_flow_state_crosstab.csv",
    "robustness_summary": "robustness_summary.json",
    "state_timeline_figure": "state_timeline.svg",
    "transition_matrix_figure": "transition_matrix.svg",
    "dwell_figure": "dwell_histograms.svg",
    "forward_returns_figure": "forward_returns.svg",
}
"""Of ``hmm_runs/{run}/`` in the results, besides ``spec.yaml``."""

HMM_CLUSTERS = {
    "cluster_crosstab": "hmm_vs_cluster_crosstab.csv",
    "cluster_metrics": "hmm_vs_cluster_metrics.json",
}
"""Also of a run that is compared with a clustering."""

HMM_DECODED = {"decoded_dataset": "decoded_rows.parquet"}
"""Of another dataset decoded by the model of a run: ``hmm_runs/{run}/decoded/{dataset}/``."""

HMM_SWEEP = {
    "hmm_sweep_summary": "hmm_sweep_summary.json",
    "hmm_sweep_summary_csv": "hmm_sweep_summary.csv",
    "hmm_sweep_figure": "hmm_sweep.svg",
}
"""Of ``hmm_runs/{run}/``; each number of states has ``cells/{cell}.json``."""

HMM_STABILITY = {
    "hmm_stability_summary": "hmm_stability_summary.json",
    "hmm_stability_by_seed": "hmm_stability_by_seed.parquet",
    "hmm_stability_by_seed_csv": "hmm_stability_by_seed.csv",
    "hmm_pairwise_ari": "hmm_pairwise_ari.parquet",
    "hmm_pairwise_ari_csv": "hmm_pairwise_ari.csv",
    "hmm_stability_figure": "hmm_pairwise_ari.svg",
}
"""Of ``hmm_runs/{run}/``; each seed has ``seeds/{cell}/``."""

HMM_SEED_FILES = {
    "seed_labels": "labels.npy",
    "seed_means": "means.npy",
    "seed_metrics": "metrics.json",
}
"""Of each seed of an HMM's stability study."""

FILES = {
    "clustering_run": CLUSTERING_RUN,
    "clustering_sweep": {},
    "clustering_stability": CLUSTERING_STABILITY,
    "hmm_run": HMM_RUN,
    "hmm_sweep": HMM_SWEEP,
    "hmm_stability": HMM_STABILITY,
}
"""By the kind of a run."""

SPEC = "spec.yaml"
RUNS_FOLDERS = {"clustering": "research_runs", "hmm": "hmm_runs"}


def prepared_patterns(paths: Paths) -> dict[str, Dataset]:
    """Pattern of each file of a prepared matrix."""
    root = f"{paths.data_root}/gold/prepared/{{dataset}}/{{preparation}}"
    return patterns(root, PREPARED, "prepared_matrix", paths)


CELL = {"cell_row": "{cell}.json"}
"""Of each cell of a sweep."""

_SWEEP_FILES = {
    f"clustering_sweep_{name}": f"{{run}}{end}"
    for name, end in zip(("csv", "json", "figure"), CLUSTERING_SWEEP, strict=True)
}


def clustering_patterns(paths: Paths) -> dict[str, dict[str, Dataset]]:
    """Patterns of each step of clusterings, by its name."""
    root = runs_root(paths, "clustering")
    return {
        "run": patterns(f"{root}/{{run}}", CLUSTERING_RUN, "clustering_run", paths),
        "periods": patterns(f"{root}/{{run}}", CLUSTERING_PERIODS, "clustering_periods", paths),
        "cell": patterns(f"{root}/{{run}}/cells", CELL, "clustering_cell", paths),
        "sweep": patterns(root, _SWEEP_FILES, "clustering_sweep", paths),
        "seed": patterns(f"{root}/{{run}}/seeds/{{cell}}", SEED_FILES, "clustering_seed", paths),
        "stability": patterns(
            f"{root}/{{run}}", CLUSTERING_STABILITY, "clustering_stability", paths
        ),
    }


def hmm_patterns(paths: Paths) -> dict[str, dict[str, Dataset]]:
    """Patterns of each step of hidden Markov models, by its name."""
    root = runs_root(paths, "hmm")
    return {
        "run": patterns(f"{root}/{{run}}", HMM_RUN, "hmm_run", paths),
        "clusters": patterns(f"{root}/{{run}}", HMM_CLUSTERS, "hmm_vs_cluster", paths),
        "cell": patterns(f"{root}/{{run}}/cells", CELL, "hmm_cell", paths),
        "sweep": patterns(f"{root}/{{run}}", HMM_SWEEP, "hmm_sweep", paths),
        "seed": patterns(f"{root}/{{run}}/seeds/{{cell}}", HMM_SEED_FILES, "hmm_seed", paths),
        "stability": patterns(f"{root}/{{run}}", HMM_STABILITY, "hmm_stability", paths),
        "decode": patterns(f"{root}/{{run}}/decoded/{{dataset}}", HMM_DECODED, "hmm_decode", paths),
    }


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
    if request.kind == "hmm_run" and request.cluster_labels_file is not None:
        files |= HMM_CLUSTERS
    return files


def final_files(paths: Paths, request: Request, folder: str) -> list[str]:
    """The files that a run is asked for by: those of `run_files`, or the summary of a sweep."""
    root = runs_root(paths, request.research)
    if request.kind == "clustering_sweep":
        return [f"{root}/{folder}{end}" for end in CLUSTERING_SWEEP]
    return [f"{root}/{folder}/{name}" for name in run_files(request).values()]
