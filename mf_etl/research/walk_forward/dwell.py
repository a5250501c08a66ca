"""How long states last out of sample, and whether that is what the models say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.inference.sums import Floats, Integers
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.recursions import filtered
from mf_etl.research.models.hmm.stationary import stationary_distribution
from mf_etl.research.models.hmm.storage import load_model
from mf_etl.research.validation.stability import Sampler, dwell, dwell_test, geometric
from mf_etl.research.walk_forward.labels import FoldRun
from mf_etl.research.walk_forward.matching import Matched, states_of
from mf_etl.schemas.validation_tables import DWELL

SIMULATED_ROWS = 200_000
"""Of each fold's model, in sequences of `SIMULATED_LENGTH`."""

SIMULATED_LENGTH = 2_000
DRAWS = 199
RUNS_TESTED = 20_000
"""Of a state; of more runs, every so-many-th one is tested."""

Known = NDArray[np.bool_]


def dwell_table(
    runs: Sequence[FoldRun], matches: Sequence[Matched], labels: Path, *, seed: int
) -> pl.DataFrame:
    """Rows of `DWELL`, one a state.

    What runs of a hidden Markov model are held against are runs of its own filtered states: states and
    emissions are simulated and filtered, for filtered states change otherwise than true ones. Runs of
    a clustering are held against a chain of its own probability to stay.
    """
    found = runs_of(labels)
    states = states_of(matches)
    is_markov = bool(runs) and runs[0].request.research == "hmm"
    simulated = _simulated(runs, matches, states, seed) if is_markov else {}
    stay = _model_stay(runs, matches, states) if is_markov else _own_stay(labels, states)
    rows = []
    for state in range(states):
        own = found.filter(pl.col("state") == state)
        length = own.get_column("length").to_numpy()
        cut, left = (own.get_column(name).to_numpy() for name in ("cut_off", "left_truncated"))
        told = dwell(length, cut) if len(length) else None
        p = None
        if len(length):
            sampler = _sampler(state, simulated, stay[state], is_markov)
            step = -(-len(length) // RUNS_TESTED)
            if sampler is not None:
                options = {"draws": DRAWS, "seed": seed + state}
                p = dwell_test(length[::step], cut[::step], sampler, **options)
        rows.append(
            (
                state, len(length), int(cut.sum()), int(left.sum()),
                *((None,) * 4 if told is None else (told.km_mean, told.km_median, told.lo, told.hi)),
                float(1 / (1 - stay[state])) if stay[state] < 1 else None,
                p, "simulated and filtered" if is_markov else "geometric",
            )
        )  # fmt: skip
    return pl.DataFrame(rows, schema=DWELL.schema(), orient="row")


def runs_of(labels: Path) -> pl.DataFrame:
    """`state, length, cut_off, left_truncated` of every run, in the order of the rows."""
    rows = pl.read_parquet(labels, columns=["state", "changed"], glob=False)
    begins_anew = rows.get_column("changed").is_null().to_numpy()
    starts = np.flatnonzero(rows.get_column("changed").fill_null(True).to_numpy())
    bounds = np.append(starts, rows.height)
    ends_anew = np.append(begins_anew, True)[bounds[1:]]
    frame = pl.DataFrame(
        {
            "state": rows.get_column("state").to_numpy()[starts],
            "length": np.diff(bounds),
            "cut_off": ends_anew,
            "left_truncated": begins_anew[starts],
        }
    )
    return frame.filter(pl.col("state") >= 0)


def _sampler(
    state: int, simulated: Mapping[int, Integers], stay: float, is_markov: bool
) -> Sampler | None:
    if is_markov:
        pool = simulated.get(state)
        if pool is None or not len(pool):
            return None
        return lambda random, count: random.choice(pool, count)
    return geometric(stay) if 0 < stay < 1 else None


def _simulated(
    runs: Sequence[FoldRun], matches: Sequence[Matched], states: int, seed: int
) -> dict[int, Integers]:
    """Lengths of runs of simulated and filtered states, by number across folds."""
    found: dict[int, list[Integers]] = {state: [] for state in range(states)}
    for run, match in zip(runs, matches, strict=True):
        model, _ = load_model(run.folder)
        for label, lengths in simulated_runs(model, seed + run.fold.fold).items():
            found[int(match.numbers[label])].append(lengths)
    return {state: np.concatenate(parts) for state, parts in found.items() if parts}


def simulated_runs(model: ShardedGaussianHMM, seed: int) -> dict[int, Integers]:
    """Lengths of the whole runs of each state, filtered from simulated days of the model."""
    sequences = SIMULATED_ROWS // SIMULATED_LENGTH
    random = np.random.default_rng(seed)
    start = stationary_distribution(model.transmat_)
    path = _chains(start, model.transmat_, sequences, random)
    x = _emitted(model, path.ravel(), random)
    bounds = np.arange(0, path.size + 1, SIMULATED_LENGTH)
    known = filtered(model.log_density(x), bounds, start, model.transmat_).argmax(axis=1)
    lengths: dict[int, list[int]] = {state: [] for state in range(len(start))}
    for one in known.reshape(path.shape):
        at = np.append(np.flatnonzero(np.diff(one, prepend=-1)), len(one))
        # The first and the last run are cut off by the sequence.
        for begin, length in zip(at[1:-2], np.diff(at)[1:-1], strict=True):
            lengths[int(one[begin])].append(int(length))
    return {state: np.array(own, dtype=np.int64) for state, own in lengths.items()}


def _chains(
    start: Floats, transitions: Floats, sequences: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """States, shape (sequences, days)."""
    path = np.empty((sequences, SIMULATED_LENGTH), dtype=np.int64)
    last = len(start) - 1
    uniform = random.random(path.shape)
    path[:, 0] = np.minimum(np.searchsorted(np.cumsum(start), uniform[:, 0]), last)
    upto = np.cumsum(transitions, axis=1)
    for day in range(1, SIMULATED_LENGTH):
        above = uniform[:, day, None] > upto[path[:, day - 1]]
        path[:, day] = np.minimum(above.sum(axis=1), last)
    return path


def _emitted(
    model: ShardedGaussianHMM, path: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.float32]:
    """Features of days in these states, shape (days, features)."""
    x = np.empty((len(path), model.n_features), dtype=np.float32)
    covariances = model.to_hmmlearn().covars_
    for state in range(model.n_components):
        at = np.flatnonzero(path == state)
        root = np.linalg.cholesky(covariances[state])
        x[at] = model.means_[state] + random.normal(size=(len(at), x.shape[1])) @ root.T
    return x


def _model_stay(runs: Sequence[FoldRun], matches: Sequence[Matched], states: int) -> Floats:
    """The models' probabilities to stay, averaged over the folds that have the state."""
    total, count = np.zeros((2, states))
    for run, match in zip(runs, matches, strict=True):
        model, _ = load_model(run.folder)
        total[match.numbers] += np.diag(model.transmat_)
        count[match.numbers] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _own_stay(labels: Path, states: int) -> Floats:
    """The share of steps out of sample that stay."""
    rows = pl.scan_parquet(labels, glob=False).filter(pl.col("state") >= 0, pl.col("prev") >= 0)
    counts: Any = rows.group_by("prev").agg(
        pl.len().alias("n"), (pl.col("state") == pl.col("prev")).sum().alias("stays")
    )
    found = np.full(states, np.nan)
    for prev, n, stays in counts.collect().rows():
        found[prev] = stays / n
    return found
