"""Names of the files of research runs, once: by the name that a rule's output has.

Imports nothing heavy: every plan reads it. What the same thing of another model is called otherwise has
the same name here and another file.
"""

from __future__ import annotations

from mf_etl.catalog import Dataset
from mf_etl.research.preparation.files import PREPARED
from mf_etl.research.runs.requests import Request
from mf_etl.settings.sections import Paths

RUN_PATTERN = r"[a-z0-9][A-Za-z0-9._-]{0,179}"
FOLD = "fold"
FOLD_PATTERN = rf"{FOLD}-[12]\d{{3}}-[0-9a-f]{{12}}_.+"
"""Runs that are folds of a validation: made by it, and told of there."""
CELL_PATTERN = r"[a-z0-9-]{1,40}"
PREPARATION_PATTERN = r"[0-9a-f]{12}"

SPEC = "spec.yaml"
RUNS_FOLDERS = {"clustering": "research_runs", "hmm": "hmm_runs"}

COPIED = {
    "preprocess_summary": "preprocess_summary.json",
    "split_summary": "split_summary.json",
    "scaler_params": "scaler_params.parquet",
}
"""Files of the prepared matrix that a run keeps: what came before it can be read beside it."""

_ANY_RUN = {
    "run_summary": "run_summary.json",
    **COPIED,
    "robustness_summary": "robustness_summary.json",
    "transition_counts": "transition_counts.csv",
    "dwell_stats": "dwell_stats.csv",
    "dwell_lengths": "dwell_lengths.csv",
    "intervals": "outcome_intervals.csv",
    "figure_profile_heatmap": "profile_heatmap.svg",
    "figure_transitions": "transition_matrix.svg",
    "figure_dwell": "dwell_histograms.svg",
    "figure_timeline": "state_timeline.svg",
}

RUN = {
    "clustering": {
        **_ANY_RUN,
        "model": "model.json",
        "model_arrays": "model.npz",
        "labelled": "clustered_dataset.parquet",
        "labelled_sample": "clustered_dataset_sample.parquet",
        "profile": "cluster_profile.parquet",
        "profile_csv": "cluster_profile.csv",
        "flow_states": "cluster_state_distribution.parquet",
        "metrics": "clustering_metrics.json",
        "figure_sizes": "cluster_sizes.svg",
        "figure_outcomes": "outcome_intervals.svg",
    },
    "hmm": {
        **_ANY_RUN,
        "model": "hmm_model_meta.json",
        "model_startprob": "hmm_startprob.npy",
        "model_transmat": "hmm_transmat.npy",
        "model_means": "hmm_means.npy",
        "model_covars": "hmm_covars.npy",
        "labelled": "decoded_rows.parquet",
        "profile": "hmm_state_profile.parquet",
        "profile_csv": "hmm_state_profile.csv",
        "flow_states": "hmm_vs_flow_state_crosstab.csv",
        "transition_matrix": "transition_matrix.csv",
        "frequency": "state_frequency.csv",
        "start_distribution": "initial_state_distribution.csv",
        "confidence": "state_confidence_stats.csv",
        "figure_sizes": "state_sizes.svg",
        "figure_outcomes": "forward_returns.svg",
    },
}
"""Of the folder of a run, besides ``spec.yaml``, by research."""

PERIODS = {
    f"profile_{period}{suffix}": f"cluster_profile_{period}.{form}"
    for period in ("train", "test")
    for suffix, form in (("", "parquet"), ("_csv", "csv"))
}
"""Also of a clustering whose preparation splits by time: the two parts of its profile."""

CLUSTERS = {
    "cluster_crosstab": "hmm_vs_cluster_crosstab.csv",
    "cluster_metrics": "hmm_vs_cluster_metrics.json",
}
"""Also of an HMM run that is compared with a clustering."""

DECODED = {"decoded_dataset": "decoded_rows.parquet"}
"""Of another dataset labelled by the model of a run: ``{run}/decoded/{dataset}/``."""

SWEEP = {
    "clustering": {
        "sweep_csv": "{run}_summary.csv",
        "sweep_json": "{run}_summary.json",
        "sweep_figure": "{run}_silhouette.svg",
    },
    "hmm": {
        "sweep_csv": "{run}/hmm_sweep_summary.csv",
        "sweep_json": "{run}/hmm_sweep_summary.json",
        "sweep_figure": "{run}/hmm_sweep.svg",
    },
}
"""Of a sweep; each cell has ``{run}/cells/{cell}.json``."""

STABILITY = {
    "clustering": {
        "stability_summary": "stability_summary.json",
        "stability_by_seed": "stability_by_seed.parquet",
        "stability_by_seed_csv": "stability_by_seed.csv",
        "stability_pairwise_csv": "stability_pairwise_ari.csv",
        "stability_sizes": "stability_cluster_sizes_by_seed.csv",
        "stability_figure": "stability_ari_matrix.svg",
    },
    "hmm": {
        "stability_summary": "hmm_stability_summary.json",
        "stability_by_seed": "hmm_stability_by_seed.parquet",
        "stability_by_seed_csv": "hmm_stability_by_seed.csv",
        "stability_pairwise": "hmm_pairwise_ari.parquet",
        "stability_pairwise_csv": "hmm_pairwise_ari.csv",
        "stability_figure": "hmm_pairwise_ari.svg",
    },
}
"""Of the folder of a stability study; each seed has ``seeds/{cell}/``."""

CELL = {"cell_row": "cells/{cell}.json"}
"""Of each cell of a sweep."""

SEED = {"seed_labels": "seeds/{cell}/labels.npy", "seed_metrics": "seeds/{cell}/metrics.json"}
"""Of each seed of a stability study."""


def prepared_patterns(paths: Paths) -> dict[str, Dataset]:
    """Pattern of each file of a prepared matrix."""
    root = f"{paths.data_root}/gold/prepared/{{dataset}}/{{preparation}}"
    return patterns(root, PREPARED, "prepared_matrix", paths)


def run_patterns(paths: Paths, research: str) -> dict[str, dict[str, Dataset]]:
    """Patterns of each step of a research, by its name."""
    root = runs_root(paths, research)
    folder = f"{root}/{{run}}"
    found = {
        "run": patterns(folder, RUN[research], f"{research}_run", paths),
        "cell": patterns(folder, CELL, f"{research}_cell", paths),
        "sweep": patterns(root, SWEEP[research], f"{research}_sweep", paths),
        "seed": patterns(folder, SEED, f"{research}_seed", paths),
        "stability": patterns(folder, STABILITY[research], f"{research}_stability", paths),
    }
    if research == "clustering":
        return found | {"periods": patterns(folder, PERIODS, "clustering_periods", paths)}
    decoded = patterns(f"{folder}/decoded/{{dataset}}", DECODED, "hmm_decode", paths)
    return found | {
        "clusters": patterns(folder, CLUSTERS, "hmm_vs_cluster", paths),
        "decode": decoded,
    }


def runs_root(paths: Paths, research: str) -> str:
    """Folder of all runs of `clustering` or `hmm`."""
    return f"{paths.results_root}/{RUNS_FOLDERS[research]}"


def patterns(root: str, files: dict[str, str], step: str, paths: Paths) -> dict[str, Dataset]:
    """Pattern of each of the `files` below `root`; `step` names the log."""
    return {name: Dataset(f"{root}/{file}", step, paths.logs_root) for name, file in files.items()}


def run_files(request: Request) -> dict[str, str]:
    """The files that make a single run complete, by name."""
    files = dict(RUN[request.research])
    if request.research == "clustering" and request.preparation.split_mode == "time":
        files |= PERIODS
    if getattr(request, "cluster_labels_file", None) is not None:
        files |= CLUSTERS
    return files


def final_files(paths: Paths, request: Request, folder: str) -> list[str]:
    """The files that a run is asked for by; cells and seeds are apart."""
    root = runs_root(paths, request.research)
    if request.entry == "sweeps":
        return [f"{root}/{file.format(run=folder)}" for file in SWEEP[request.research].values()]
    files = STABILITY[request.research] if request.entry == "stability" else run_files(request)
    return [f"{root}/{folder}/{name}" for name in files.values()]
