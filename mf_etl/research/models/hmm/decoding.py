"""States of every row as columns: what was known on the day, and what the whole sequence says.

Filtered: probabilities given the days up to this one, so what could have been known that evening.
Viterbi: the likeliest path of the whole sequence. Smoothed: probabilities given the whole sequence.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.recursions import expectations, filtered, viterbi
from mf_etl.research.models.views import HINDSIGHT
from mf_etl.research.preparation.sequences import Sequences
from mf_etl.schemas.labelled_rows import state_columns
from mf_etl.series import bars_since, run_length

STATE = "hmm_state"


class Decoded(NamedTuple):
    """The rows of one shard; arrays are in the order of its rows."""

    shard: Sequences
    filtered: NDArray[np.float64]
    """Shape (rows, states): probabilities given the rows so far."""
    states: NDArray[np.int8]
    """Viterbi states."""
    smoothed: NDArray[np.float64]
    """Shape (rows, states): probabilities given the whole sequence."""


def decoded(model: ShardedGaussianHMM, x: NDArray[np.float32], shard: Sequences) -> Decoded:
    """The rows of a shard in all views."""
    chain = model.chain(x, shard)
    return Decoded(shard, filtered(*chain), viterbi(*chain)[1], expectations(*chain).posteriors)


def known_states(
    model: ShardedGaussianHMM, x: NDArray[np.float32], shard: Sequences
) -> NDArray[np.int8]:
    """The likeliest state of each row given the rows so far."""
    known = filtered(*model.chain(x, shard))
    return _likeliest(known)


def column_schema(states: int) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Names and dtypes of what `decoded_columns` gives, as `schemas.labelled_rows` declares them."""
    return {column.name: column.dtype for column in state_columns(states)}


def decoded_columns(found: Decoded) -> pl.DataFrame:
    """The columns of `column_schema` of the rows of one shard.

    Without a prefix: of the filtered probabilities; `hmm_state` is the likeliest state, the entropy in
    nats. With `hindsight_`: of the Viterbi path, and the largest smoothed probability.
    ``hmm_transition_code`` is 100·hmm_prev + hmm_state; previous state and code are null on the first
    row of a sequence, and ``bs_hmm_change`` (rows since the state changed) before the first change.
    """
    known, bounds = found.filtered, found.shard.bounds
    states = _likeliest(known)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(known > 0, known * np.log(known), 0.0)
    values = {
        STATE: states,
        **{f"hmm_p_{state}": known[:, state] for state in range(known.shape[1])},
        "hmm_prob_max": known.max(axis=1),
        # One state for certain has a sum of minus zero.
        "hmm_entropy": np.maximum(-terms.sum(axis=1), 0.0),
        **_of_labels(states, bounds),
        HINDSIGHT + STATE: found.states,
        f"{HINDSIGHT}hmm_prob_max": found.smoothed.max(axis=1),
        **{HINDSIGHT + n: v for n, v in _of_labels(found.states, bounds).items()},
    }
    schema = column_schema(known.shape[1])
    return pl.DataFrame([pl.Series(name, values[name]).cast(t) for name, t in schema.items()])


def _likeliest(probabilities: NDArray[np.float64]) -> NDArray[np.int8]:
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int8)


def _of_labels(states: NDArray[np.int8], bounds: NDArray[np.int64]) -> dict[str, pl.Series]:
    """What follows from the states alone."""
    first = np.zeros(len(states), dtype=bool)
    first[bounds[:-1]] = True
    previous = np.empty_like(states)
    previous[1:] = states[:-1]
    previous[0] = 0
    changed = (states != previous) & ~first
    since = np.concatenate([bars_since(changed[a:b]) for a, b in itertools.pairwise(bounds)])
    code = 100 * previous.astype(np.int32) + states
    return {
        "hmm_changed": pl.Series(changed),
        "hmm_prev": pl.Series(previous).set(pl.Series(first), None),
        "hmm_transition_code": pl.Series(code).set(pl.Series(first), None),
        "hmm_run_length": pl.Series(run_length(changed | first)),
        "bs_hmm_change": pl.Series(since, nan_to_null=True),
    }
