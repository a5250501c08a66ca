"""From a prepared matrix and a specification to a model with canonical states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.models.hmm.canonical import (
    ORDERED_BY,
    canonical_order,
    mean_by_viterbi_state,
    reorder,
)
from mf_etl.research.models.hmm.fit import Evaluation, check_fit_rows, evaluate, fit_restarts
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.preparation.prepared_sequences import Prepared
from mf_etl.research.preparation.sequences import Cut, cut_sequences


@dataclass(frozen=True)
class FittedRun:
    """A model with its states in canonical order, and what is known of its fit."""

    model: ShardedGaussianHMM
    records: list[dict[str, Any]]
    """Of all starts; see `fit.fit_restarts`."""
    train: Evaluation
    test: Evaluation | None
    """On rows that were not fitted on; None without any."""
    sequences: dict[str, int]
    """What was fitted on; see `sequences.Cut`."""
    ordered_by: np.ndarray
    """Mean delta_flow_20 of each state over the fit rows, ascending."""


def fitted_run(prepared: Prepared, spec: HmmSpec, threads: int) -> FittedRun:
    """Fit on the fit rows only; nothing that is learnt rests on others.

    Raises `ResearchError` for rows that no model can be fitted on.
    """
    cut = prepared.fit_sequences(
        max_gap_days=spec.max_gap_days, min_length=spec.min_sequence_length
    )
    sequences = cut.sequences
    check_fit_rows(prepared.matrix, prepared.features, sequences, spec)
    model, records = fit_restarts(prepared.matrix, sequences, spec, n_jobs=threads)
    values = prepared.rows.column(ORDERED_BY)
    means = mean_by_viterbi_state(model, prepared.matrix, sequences, values)
    order = canonical_order(means)
    reorder(model, order)
    held_out = _held_out(prepared, spec)
    return FittedRun(
        model,
        records,
        evaluate(model, prepared.matrix, sequences),
        evaluate(model, prepared.matrix, held_out.sequences) if held_out else None,
        cut.summary,
        means[order],
    )


def _held_out(prepared: Prepared, spec: HmmSpec) -> Cut | None:
    """Sequences of the rows to predict that were not fitted on, however short."""
    keys = prepared.keys
    rows = keys.select(pl.col("is_predict") & ~pl.col("is_fit")).to_series()
    if not rows.any():
        return None
    known = keys.get_column("is_predict") | keys.get_column("is_fit")
    gap, first_day = spec.max_gap_days, prepared.first_day
    return cut_sequences(
        keys, rows, max_gap_days=gap, min_length=1, known=known, first_day=first_day
    )
