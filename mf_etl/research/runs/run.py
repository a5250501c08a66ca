"""The folder of one run, whatever its model: labels of rows, tables, summaries, figures."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mf_etl.io import ParquetOptions, replacing, write_csv, write_json, write_parquet
from mf_etl.plots.base import save
from mf_etl.research.counted import counted
from mf_etl.research.datasets.columns import OUTCOMES
from mf_etl.research.evaluation.evaluate import Evaluation, evaluate, refuse_missing
from mf_etl.research.evaluation.figures import FIGURES, without_labels
from mf_etl.research.evaluation.profiles import PROFILE_FEATURES
from mf_etl.research.labels.labelled import LabelledRows, write_labelled
from mf_etl.research.models.interface import Fitted, Spec
from mf_etl.research.preparation.prepared import Prepared, data_name
from mf_etl.research.runs.catalog import COPIED, PERIODS, RUN
from mf_etl.research.runs.cells import geometry_of
from mf_etl.research.runs.tables import write_tables

SAMPLE_ROWS = 100_000
PACKAGES = ("mf_etl", "numpy", "hmmlearn", "scikit-learn", "hdbscan", "numba", "polars")
PASSED_ON = {"clustering": (), "hmm": ("flow_state_code", *OUTCOMES)}
"""Columns of the dataset that labelled rows carry beside their labels, by research."""


def write_run(
    prepared_folder: Path,
    dataset: Path,
    research: str,
    spec: Spec,
    folder: Path,
    *,
    options: ParquetOptions,
    threads: int = 1,
) -> dict[str, Any]:
    """Fit, label and describe a prepared matrix: writes the files of `RUN` into `folder`.

    Fitted on the fit rows, labelled are the rows to predict; labels are in canonical order. Gives the
    run summary. The bytes do not depend on `threads`. Raises `ResearchError` for a matrix or a
    specification that cannot be used; then nothing is written.
    """
    prepared = Prepared(prepared_folder, dataset)
    refuse_missing(prepared)
    fitted = spec.model().fitted(prepared, spec, threads)
    model, paths = fitted.model, {name: folder / file for name, file in RUN[research].items()}
    labelled, sequences = write_labelled(
        model,
        prepared,
        paths["labelled"],
        passed_on=PASSED_ON[research],
        options=options,
        threads=threads,
    )
    metrics = geometry_of(prepared, labelled, spec, threads) if "metrics" in paths else {}
    found = evaluate(
        labelled,
        seed=spec.seed,
        model_tables=model.tables(),
        metrics={"silhouette": metrics["fit"]["silhouette"]} if metrics else {},
        features=(*PROFILE_FEATURES, *prepared.features),
        threads=threads,
    )
    if metrics:
        told = {n: v for n, v in fitted.report.items() if n != "fit_sample"}
        metrics["fit"] |= told
        write_json({**spec.told(), **metrics}, paths["metrics"])
    if "labelled_sample" in paths:
        sample = _sample(labelled, spec.seed)
        write_parquet(sample, paths["labelled_sample"], options)
    summary = run_summary(prepared, fitted, spec, found, sequences, metrics)
    write_tables(found.tables, paths, options)
    for name in COPIED:
        with replacing(paths[name]) as temporary:
            shutil.copyfile(prepared_folder / paths[name].name, temporary)
    model.save(fitted, prepared, spec, folder)
    for name, draw in FIGURES.items():
        draw = draw if labelled.states else without_labels
        save(draw(found, data_name(dataset)), paths[f"figure_{name}"])
    write_json(found.robustness, paths["robustness_summary"])
    write_json(summary, paths["run_summary"])
    return summary


def write_periods(profile: Path, folder: Path, *, options: ParquetOptions) -> None:
    """The train and the test part of a clustering's profile as files of their own."""
    whole = pl.read_parquet(profile, glob=False)
    for period in ("train", "test"):
        part = whole.filter(period=period)
        write_parquet(part, folder / PERIODS[f"profile_{period}"], options)
        write_csv(part, folder / PERIODS[f"profile_{period}_csv"])


def run_summary(
    prepared: Prepared,
    fitted: Fitted,
    spec: Spec,
    found: Evaluation,
    sequences: Mapping[str, int],
    metrics: Mapping[str, Any],
) -> dict[str, Any]:
    """What ``run_summary.json`` holds."""
    report, robustness = fitted.report, found.robustness
    degenerate = [state["hmm_state"] for state in report.get("degenerate_states", [])]
    first = found.groups.labelled.views[0].name
    periods = {k: v for k, v in robustness["views"][first].items() if isinstance(v, dict)}
    return {
        **spec.told(),
        "states": fitted.model.states,
        "dataset": prepared.summary["dataset"],
        "features": list(prepared.features),
        "rows": found.groups.labelled.rows,
        "tickers": tickers_of(found.groups.labelled),
        "periods": {period: _rows_of(found, period) for period in periods},
        "label_sequences": dict(sequences),
        **{name: value for name, value in report.items() if name not in _NOT_TOLD},
        **{name: metrics["fit"][name] for name in _OF_METRICS if metrics},
        "forward_separation": {
            period: told["forward_separation"] for period, told in periods.items()
        },
        "degenerate_states": degenerate,
        "notes": [*prepared.notes, *fitted.notes, *robustness["notes"]],
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "account": account(fitted, len(prepared.notes) + len(robustness["notes"]), degenerate),
    }


def tickers_of(labelled: LabelledRows) -> int:
    """How many tickers have labelled rows."""
    names, _ = labelled.prepared.ticker_codes
    return int(np.count_nonzero(counted(labelled.ticker_codes, len(names))))


_NOT_TOLD = ("restarts", "occupancy", "degenerate_states", "delta_flow_20_means")
_OF_METRICS = ("clusters_found", "noise_share", "silhouette")


def account(fitted: Fitted, notes: int, degenerate: list[int]) -> str:
    """The last line of a run: whether it converged, and what should keep one from using it.

    `notes` are those besides the fit's own.
    """
    converged = fitted.report["converged"]
    parts = [
        "converged" if converged else "NOT converged" if converged is False else "fitted",
        f"{fitted.model.states} labels",
    ]
    if degenerate:
        parts.append(f"DEGENERATE states {', '.join(map(str, degenerate))}")
    parts.append(f"{len(fitted.notes) + notes} notes")
    return "; ".join(parts)


def _sample(labelled: LabelledRows, seed: int) -> pl.DataFrame:
    """A seeded sample of the labelled rows with every column of the dataset, in their order."""
    rows = np.arange(labelled.rows)
    if labelled.rows > SAMPLE_ROWS:
        random = np.random.default_rng(seed)
        rows = np.sort(random.choice(labelled.rows, SAMPLE_ROWS, replace=False, shuffle=False))
    prepared = labelled.prepared
    frame = prepared.take(labelled.sequences.row_numbers()[rows], list(prepared.columns))
    added = [pl.Series(name, labelled.column(name)[rows]) for name in sorted(labelled.names)]
    return frame.with_columns(added)


def _rows_of(found: Evaluation, period: str) -> dict[str, Any]:
    """Rows and days of a period, and whether it was fitted on."""
    view = found.groups.labelled.views[0].name
    part = found.profile.filter(view=view, period=period)
    return {
        "rows": int(part["rows"].sum()),
        "in_sample": part["in_sample"][0],
        "first_day": str(part["first_date"].min()),
        "last_day": str(part["last_date"].max()),
    }
