"""What labelled rows are worth: every table about them, whatever model made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.datasets.columns import SEPARATION_OUTCOMES
from mf_etl.research.evaluation.groups import Groups
from mf_etl.research.evaluation.profiles import PROFILE_FEATURES, profiles, statistics
from mf_etl.research.evaluation.robustness import robustness_summary
from mf_etl.research.evaluation.separation import separations
from mf_etl.research.evaluation.transitions import (
    dwell_lengths,
    dwell_stats,
    flow_states,
    start_distribution,
    transition_counts,
)
from mf_etl.research.labels.labelled import LabelledRows
from mf_etl.research.models.canonical import ORDER_COLUMN
from mf_etl.research.preparation.prepared import Prepared

TOLD = (ORDER_COLUMN, "flow_state_code", "close")
"""Columns of a dataset that every evaluation reads, besides an outcome of `SEPARATION_OUTCOMES`."""

CONFIDENCE = ("probability", "hmm_prob_max", "hmm_entropy", "hindsight_hmm_prob_max")
"""Columns of labelled rows that say how sure a model is."""


@dataclass(frozen=True)
class Evaluation:
    """Tables by the name that the catalogue has for their file, and the account of robustness."""

    groups: Groups
    tables: dict[str, pl.DataFrame]
    robustness: dict[str, Any]

    @property
    def intervals(self) -> pl.DataFrame:
        """Mean outcome of each group with its interval; see `separations`."""
        return self.tables["intervals"]

    @property
    def profile(self) -> pl.DataFrame:
        """See `profiles`."""
        return self.tables["profile"]


def refuse_missing(prepared: Prepared) -> None:
    """Raise `ResearchError` for a dataset that labels cannot be told by, before a fit is made."""
    outcomes = [name for name in SEPARATION_OUTCOMES if name in prepared.columns]
    prepared.refuse_unknown([*TOLD, *(outcomes or SEPARATION_OUTCOMES)])


def evaluate(
    labelled: LabelledRows,
    *,
    seed: int,
    model_tables: Mapping[str, pl.DataFrame],
    metrics: Mapping[str, Any],
    features: Sequence[str] = PROFILE_FEATURES,
    threads: int = 1,
) -> Evaluation:
    """All tables of labelled rows, for each view and period.

    `model_tables` are those of the model's own parameters; `metrics` go into the account.
    """
    groups = Groups.of(labelled)
    profile = profiles(groups, features=features, threads=threads)
    apart, intervals = separations(groups, seed)
    lengths = dwell_lengths(groups)
    tables = {
        "profile": profile,
        "frequency": profile.select(*groups.keys().columns, "rows", "share"),
        "transition_counts": transition_counts(groups),
        "dwell_stats": dwell_stats(groups, lengths),
        "dwell_lengths": lengths,
        "intervals": intervals,
        "start_distribution": start_distribution(groups, model_tables.get("start_probability")),
        "flow_states": flow_states(groups),
        "confidence": _confidence(groups),
        **{n: table for n, table in model_tables.items() if n != "start_probability"},
    }
    return Evaluation(groups, tables, robustness_summary(groups, profile, apart, **metrics))


def _confidence(groups: Groups) -> pl.DataFrame:
    """How sure the model is, by view, period and label.

    Mean, p10 and median of each measure; with two views, ``same_in_all_views`` is the share of rows
    that have the same label in both.
    """
    labelled = groups.labelled
    told = statistics(groups, [name for name in CONFIDENCE if name in labelled.names])
    if len(labelled.views) == 1:
        return told
    first, second = (labelled.labels[view.name] for view in labelled.views)
    same = groups.counts(np.equal(first, second).view(np.int8), 2)
    shares = [float(n[1] / n.sum()) if n.any() else None for _, n in same]
    return told.with_columns(same_in_all_views=pl.Series(shares, dtype=pl.Float64))
