"""States of every row, in three views, as columns and as a file.

Viterbi: the likeliest path of the whole sequence. Smoothed: probabilities given the whole sequence.
Filtered: probabilities given the days up to this one, so what could have been known that evening.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.io import ParquetOptions, replacing
from mf_etl.research.datasets.columns import OUTCOMES
from mf_etl.research.datasets.streaming import RowGroupWriter
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.recursions import expectations, filtered, viterbi
from mf_etl.research.preparation.prepared_sequences import RowsFile
from mf_etl.research.preparation.sequences import Sequences
from mf_etl.schemas.ml_dataset import arrow_schema
from mf_etl.series import bars_since, run_length

PROFILE_FEATURES = (
    "tmf_21", "tti_proxy_v1_21", "long_flow_score_20", "short_flow_score_20", "delta_flow_20",
    "flow_activity_20", "flow_bias_20", "atr_pct_14", "dollar_volume",
)  # fmt: skip
"""Columns that profiles describe states by, unscaled."""

PASSED_ON = (
    "ticker", "exchange", "trade_date", "period", "outcome_purged", "flow_state_code", "close",
    *PROFILE_FEATURES, *OUTCOMES,
)  # fmt: skip
"""Columns of the rows that go with the decoded states, as far as they are there."""

HMM_COLUMNS = {
    "hmm_sequence": pl.Int32,
    "hmm_state": pl.Int8,
    "hmm_state_prob_max": pl.Float32,
    "hmm_state_entropy": pl.Float32,
    "hmm_state_filtered": pl.Int8,
    "hmm_filtered_prob_max": pl.Float32,
    "hmm_state_changed": pl.Boolean,
    "hmm_state_prev": pl.Int8,
    "hmm_transition_code": pl.Int32,
    "hmm_state_run_length": pl.Int32,
    "bs_hmm_state_change": pl.Int32,
}


class Decoded(NamedTuple):
    """The rows of one shard in three views; arrays are in the order of its rows."""

    shard: Sequences
    states: np.ndarray
    """Viterbi states, int8."""
    smoothed: np.ndarray
    """Shape (rows, states): probabilities given the whole sequence."""
    filtered: np.ndarray
    """Shape (rows, states): probabilities given the rows so far."""


def decode_shards(
    model: ShardedGaussianHMM, matrix: np.ndarray, sequences: Sequences
) -> Iterator[Decoded]:
    """Every shard decoded, in order; memory holds a few shards at a time."""

    def on_shard(x: np.ndarray, shard: Sequences) -> Decoded:
        return _decoded(model, x, shard)

    return model.over_shards(on_shard, matrix, sequences)


def write_decoded(
    model: ShardedGaussianHMM,
    matrix: np.ndarray,
    sequences: Sequences,
    rows: RowsFile,
    path: Path,
    options: ParquetOptions,
) -> int:
    """Write a row for each row of `sequences`: `PASSED_ON`, then `HMM_COLUMNS`; gives how many.

    Rows are in the order of the sequences: by ticker, exchange and date. ``hmm_sequence`` numbers
    the sequences from 0. The bytes do not depend on `model.n_jobs`.
    """
    refuse_other_features(model, matrix)
    names = [name for name in PASSED_ON if name in rows.columns]

    def on_shard(x: np.ndarray, shard: Sequences) -> tuple[int, pl.DataFrame]:
        states = decoded_columns(_decoded(model, x, shard))
        passed_on = rows.take(shard.row_numbers(), names)
        frame = passed_on.hstack(states)
        if shard.lead is not None:
            frame = frame.filter(pl.Series(shard.reported))
        return len(shard), frame

    empty = rows.take(np.array([0]), names).clear()
    schema = arrow_schema(empty.hstack(pl.DataFrame(schema=HMM_COLUMNS)).schema)
    with replacing(path) as temporary, RowGroupWriter(temporary, schema, options) as writer:
        first_sequence = 0
        for count, frame in model.over_shards(on_shard, matrix, sequences):
            writer.add(
                frame.with_columns(pl.col("hmm_sequence") + pl.lit(first_sequence, pl.Int32))
            )
            first_sequence += count
    return writer.rows


def decoded_columns(decoded: Decoded) -> pl.DataFrame:
    """`HMM_COLUMNS` of the rows of one shard; sequences are numbered from 0 in the shard.

    The entropy is that of the smoothed probabilities, in nats. ``hmm_transition_code`` is
    100·hmm_state_prev + hmm_state; previous state and code are null on the first row of a sequence,
    and ``bs_hmm_state_change`` (rows since the state changed) is null before the first change.
    """
    states, bounds = decoded.states, decoded.shard.bounds
    first = np.zeros(len(states), dtype=bool)
    first[bounds[:-1]] = True
    previous = np.empty_like(states)
    previous[1:] = states[:-1]
    previous[0] = 0
    changed = (states != previous) & ~first
    since = np.concatenate([bars_since(changed[a:b]) for a, b in itertools.pairwise(bounds)])
    smoothed = decoded.smoothed
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(smoothed > 0, smoothed * np.log(smoothed), 0.0)
    values = {
        "hmm_sequence": np.cumsum(first) - 1,
        "hmm_state": states,
        "hmm_state_prob_max": smoothed.max(axis=1),
        # One state for certain has a sum of minus zero.
        "hmm_state_entropy": np.maximum(-terms.sum(axis=1), 0.0),
        "hmm_state_filtered": decoded.filtered.argmax(axis=1),
        "hmm_filtered_prob_max": decoded.filtered.max(axis=1),
        "hmm_state_changed": changed,
        "hmm_state_prev": pl.Series(previous).set(pl.Series(first), None),
        "hmm_transition_code": pl.Series(100 * previous.astype(np.int32) + states).set(
            pl.Series(first), None
        ),
        "hmm_state_run_length": run_length(changed | first),
        "bs_hmm_state_change": pl.Series(since, nan_to_null=True),
    }
    return pl.DataFrame(
        [pl.Series(name, values[name]).cast(dtype) for name, dtype in HMM_COLUMNS.items()]
    )


def refuse_other_features(model: ShardedGaussianHMM, matrix: np.ndarray) -> None:
    """Raise `ResearchError` unless the matrix has as many features as the model."""
    if matrix.shape[1] != model.n_features:
        raise ResearchError(
            f"the model has {model.n_features} features, the matrix {matrix.shape[1]}; prepare the "
            "matrix with the features of the run"
        )


def _decoded(model: ShardedGaussianHMM, x: np.ndarray, shard: Sequences) -> Decoded:
    chain = model.chain(x, shard)
    return Decoded(shard, viterbi(*chain)[1], expectations(*chain).posteriors, filtered(*chain))
