"""Names of the files of a validation, once: by the rule that makes them and the name of its output.

Imports nothing heavy: every plan reads it. All lie below ``results/validation_runs/{run}/``.
"""

from __future__ import annotations

from mf_etl.catalog import Dataset
from mf_etl.settings.sections import Paths

FOLDER = "validation_runs"
SPEC = "spec.yaml"
YEAR_PATTERN = r"[12]\d{3}"

VALIDATION: dict[str, dict[str, str]] = {
    # What is asked for, and the folds that come of it: years of test, each with a fit of its own.
    "validation_spec": {"validation_spec": SPEC},
    "validation_borders": {"borders": "borders.json"},
    "validation_fold": {"fold_spec": "fold={year}/spec.yaml"},
    "validation_k": {"k_row": "fold={year}/k={k}.json"},
    "validation_states": {"fold_states": "fold={year}/states.json"},
    "validation_labels": {
        "labels": "labels.parquet",
        "folds": "folds.parquet",
        "matching": "matching.parquet",
    },
    # All that inference reads, however many rows there are.
    "validation_sums": {"state_sums": "state_sums.parquet"},
    "validation_outcomes": {
        "state_outcomes": "state_outcomes.parquet",
        "state_outcomes_csv": "state_outcomes.csv",
        "pairs": "pairs.parquet",
        "state_tests": "state_tests.json",
    },
    "validation_placebo": {"placebo": "placebo.parquet"},
    "validation_events": {
        "event_paths": "event_paths.parquet",
        "event_summary": "event_summary.parquet",
    },
    "validation_stability": {"by_year": "by_year.parquet", "drift": "drift.json"},
    "validation_dwell": {"dwell": "dwell.parquet"},
    # A portfolio of the states that paid in each fold's train rows.
    "validation_held": {"held": "held_states.parquet"},
    "validation_portfolio": {"positions": "positions.parquet", "daily": "daily.parquet"},
    "validation_trials": {"trials": "trials.parquet"},
    "validation_performance": {"performance": "performance.parquet"},
    "validation_spa": {"spa": "spa.json"},
    "validation_pbo": {"pbo": "pbo.json"},
    "validation_capacity": {"capacity": "capacity.parquet"},
    "validation_costs": {"costs": "costs.parquet"},
    "validation_summary": {"validation_summary": "summary.json"},
    "validation_figures": {
        "figure_intervals": "state_intervals.svg",
        "figure_events": "event_paths.svg",
        "figure_placebo": "placebo.svg",
        "figure_folds": "folds.svg",
        "figure_equity": "equity.svg",
        "figure_capacity": "capacity.svg",
    },
}
"""Output by name, by rule. A script of the same name as the rule makes them."""

REFITS = {
    "validation_refit": {"refit": "refits/draw={draw}.json"},
    "validation_refits": {"refits": "refits.parquet"},
}
"""Targets of their own, part of no other: refits on tickers drawn with replacement."""

DRAWS = 20
"""Refits of a run."""


def validation_root(paths: Paths) -> str:
    """Folder of all validations."""
    return f"{paths.results_root}/{FOLDER}"


def validation_patterns(paths: Paths) -> dict[str, dict[str, Dataset]]:
    """Pattern of each file, by rule and name; wildcards `run`, and `year` of a fold's own."""
    root = f"{validation_root(paths)}/{{run}}"
    return {
        rule: {name: Dataset(f"{root}/{file}", rule, paths.logs_root) for name, file in own.items()}
        for rule, own in (VALIDATION | REFITS).items()
    }


def validation_files(paths: Paths, folder: str) -> list[str]:
    """The files that a validation is asked for by; those of single folds come on the way."""
    root = f"{validation_root(paths)}/{folder}"
    return [
        f"{root}/{file}"
        for own in VALIDATION.values()
        for file in own.values()
        if "{year}" not in file
    ]
