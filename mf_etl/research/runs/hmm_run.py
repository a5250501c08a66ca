"""The folder of one HMM run: model, decoded rows, tables, summaries, figures."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl.io import ParquetOptions, replacing, write_csv, write_json, write_parquet
from mf_etl.research.evaluation.comparisons import cluster_comparison, crosstab, robustness_summary
from mf_etl.research.evaluation.state_figures import (
    write_dwell_histograms,
    write_forward_returns,
    write_state_timeline,
    write_transition_matrix,
)
from mf_etl.research.evaluation.state_profiles import (
    SEPARATION_OUTCOME,
    dwell_stats,
    finished_runs,
    initial_state_distribution,
    square_table,
    state_confidence,
    state_frequency,
    state_profile,
    transition_counts,
)
from mf_etl.research.labels.decoding import write_decoded
from mf_etl.research.models.hmm.fit import fit_report
from mf_etl.research.models.hmm.fitting import fitted_run
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.models.hmm.storage import save_model
from mf_etl.research.preparation.prepared_sequences import open_prepared
from mf_etl.research.runs.catalog import HMM_CLUSTERS, HMM_RUN

COPIED = ("preprocess_summary", "split_summary", "scaler_params")
"""Files of the prepared matrix that a run keeps: what came before it can be read beside it."""

PACKAGES = ("mf_etl", "numpy", "hmmlearn", "scikit-learn", "numba", "polars")

WHY_VIEWS_DIFFER = (
    "Forward returns differ between the two views because a Viterbi path is chosen with the whole "
    "sequence in sight: a day gets its state in the light of the days after it, whose returns are "
    "the outcome. The filtered state is what was known on the day; only its returns could be earned."
)


def write_run(
    prepared_folder: Path,
    spec: HmmSpec,
    folder: Path,
    *,
    options: ParquetOptions,
    threads: int = 1,
) -> dict[str, Any]:
    """Fit, decode and describe a prepared matrix: writes `HMM_RUN` into `folder`.

    Fitted on the fit rows, decoded are the rows to predict; states are in canonical order. Gives
    the run summary. The bytes do not depend on `threads`. Raises `ResearchError` for a matrix or a
    specification that cannot be used; then nothing is written.
    """
    prepared = open_prepared(prepared_folder)
    fitted = fitted_run(prepared, spec, threads)
    model, states = fitted.model, spec.n_components
    decoded_cut = prepared.predict_sequences(
        max_gap_days=spec.max_gap_days, min_length=spec.min_decoded_length
    )
    report = fit_report(model, fitted.records, fitted.train, fitted.test)
    paths = {name: folder / file for name, file in HMM_RUN.items()}
    save_model(model, prepared.features, report, folder)
    rows = write_decoded(
        model,
        prepared.matrix,
        decoded_cut.sequences,
        prepared.rows,
        paths["decoded_rows"],
        options,
    )
    decoded = pl.scan_parquet(paths["decoded_rows"], glob=False)
    profile = state_profile(decoded, states)
    robustness = robustness_summary(profile, report)
    write_parquet(profile, paths["hmm_state_profile"], options)
    write_csv(profile, paths["hmm_state_profile_csv"])
    tables = {
        "transition_matrix": square_table(model.transmat_),
        "transition_counts": square_table(transition_counts(decoded, states)),
        "dwell_stats": dwell_stats(decoded, states),
        "state_frequency": state_frequency(decoded, states),
        "initial_state_distribution": initial_state_distribution(decoded, model.startprob_),
        "state_confidence_stats": state_confidence(decoded, states),
        "flow_state_crosstab": crosstab(decoded, "flow_state_code"),
    }
    for name, table in tables.items():
        write_csv(table, paths[name])
    for name in COPIED:
        with replacing(paths[name]) as temporary:
            shutil.copyfile(prepared_folder / paths[name].name, temporary)
    _write_figures(decoded, profile, model, paths)
    summary = {
        "states": states,
        "covariance_type": spec.covariance_type,
        "dataset": prepared.summary["dataset"],
        "features": list(prepared.features),
        "rows": rows,
        "tickers": decoded.select(pl.col("ticker").n_unique()).collect().item(),
        "fit_sequences": fitted.sequences,
        "decoded_sequences": decoded_cut.summary,
        **_told(report),
        "forward_separation": {
            view: told["forward_separation"] for view, told in robustness["views"].items()
        },
        "notes": [WHY_VIEWS_DIFFER, *robustness["notes"]],
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }
    write_json(robustness, paths["robustness_summary"])
    write_json(summary, paths["run_summary"])
    return summary


def write_cluster_comparison(decoded_rows: Path, cluster_labels: Path, folder: Path) -> None:
    """Write `HMM_CLUSTERS`: how the Viterbi states of a run and the clusters of another agree.

    Raises `ResearchError` if they have no row in common.
    """
    table, metrics = cluster_comparison(
        pl.scan_parquet(decoded_rows, glob=False), pl.scan_parquet(cluster_labels, glob=False)
    )
    write_csv(table, folder / HMM_CLUSTERS["cluster_crosstab"])
    write_json(metrics, folder / HMM_CLUSTERS["cluster_metrics"])


def _write_figures(
    decoded: pl.LazyFrame,
    profile: pl.DataFrame,
    model: ShardedGaussianHMM,
    paths: Mapping[str, Path],
) -> None:
    states = model.n_components
    write_state_timeline(_longest(decoded), states, paths["state_timeline_figure"])
    write_transition_matrix(model.transmat_, paths["transition_matrix_figure"])
    runs = finished_runs(decoded)
    lengths = [runs.filter(hmm_state=s).get_column("days").to_numpy() for s in range(states)]
    write_dwell_histograms(lengths, paths["dwell_figure"])
    write_forward_returns(profile, SEPARATION_OUTCOME, paths["forward_returns_figure"])


def _longest(decoded: pl.LazyFrame) -> pl.DataFrame:
    """The rows of the ticker that has most of them; the first by name where several have."""
    counts = decoded.group_by("ticker", "exchange").len().collect()
    keys = ("len", "ticker", "exchange")
    _, ticker, exchange = counts.sort(keys, descending=[True, False, False]).select(keys).row(0)
    return decoded.filter(pl.col("ticker") == ticker, pl.col("exchange") == exchange).collect()


def _told(report: dict[str, Any]) -> dict[str, Any]:
    names = (
        "converged", "iterations", "log_likelihood_per_row", "aic", "bic", "icl", "degenerate_states",
    )  # fmt: skip
    return {name: report[name] for name in names}
