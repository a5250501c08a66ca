"""State numbers that mean the same in every fit: ordered by mean delta_flow_20."""

from __future__ import annotations

import numpy as np

from mf_etl.research.models.canonical import ORDER_COLUMN
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.preparation.sequences import Sequences

ORDERED_BY = ORDER_COLUMN


def mean_by_viterbi_state(
    model: ShardedGaussianHMM, matrix: np.ndarray, sequences: Sequences, values: np.ndarray
) -> np.ndarray:
    """Mean over rows of each Viterbi state of `values` (one a matrix row); NaN without rows.

    Rows where `values` is not finite are passed over. Sums are added in shard order.
    """

    def sums(x: np.ndarray, shard: Sequences) -> tuple[np.ndarray, np.ndarray]:
        states = model.viterbi_states(x, shard)
        of_rows = shard.gather(values)[shard.reported].astype(np.float64)
        finite = np.isfinite(of_rows)
        states, of_rows = states[finite], of_rows[finite]
        total = np.bincount(states, weights=of_rows, minlength=model.n_components)
        return total, np.bincount(states, minlength=model.n_components)

    total, count = np.zeros(model.n_components), np.zeros(model.n_components)
    for shard_total, shard_count in model.over_shards(sums, matrix, sequences):
        total += shard_total
        count += shard_count
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def canonical_order(means: np.ndarray) -> np.ndarray:
    """States in ascending order of `means`; NaN last; ties by state number."""
    return np.argsort(means, kind="stable")


def reorder(model: ShardedGaussianHMM, order: np.ndarray) -> None:
    """Renumber the states of a fitted model: state i becomes what state ``order[i]`` was."""
    model.startprob_ = model.startprob_[order]
    model.transmat_ = model.transmat_[np.ix_(order, order)]
    model.means_ = model.means_[order]
    if model.covariance_type != "tied":
        model._covars_ = model._covars_[order]
    for name in ("dead_states_", "at_floor_"):
        if hasattr(model, name):
            setattr(model, name, getattr(model, name)[order])
