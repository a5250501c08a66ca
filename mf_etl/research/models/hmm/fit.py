"""Fits from several starts, and the best of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.streaming import in_order
from mf_etl.research.library_threads import one_library_thread
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.report import free_parameters
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.models.hmm.start import Sample, kmeans_start, start_sample
from mf_etl.research.preparation.sequences import Sequences

FINALISTS = 2
"""Starts that go on with all rows after the race on a sample."""


def check_fit_rows(
    matrix: np.ndarray, features: Sequence[str], sequences: Sequences, spec: HmmSpec
) -> None:
    """Raise `ResearchError` for rows that no model can be fitted on; reads them once.

    These are: more states than rows, fewer values than free parameters, a value that is not finite,
    and a feature that never varies.
    """
    states, rows = spec.n_components, sequences.rows
    if states > rows:
        raise ResearchError(
            f"{states} states for {rows} rows to fit on; choose fewer states or more rows"
        )
    model = estimator(spec, spec.random_state)
    model.n_features = len(features)
    parameters = free_parameters(model)
    if rows * len(features) < parameters:
        raise ResearchError(
            f"{rows} rows of {len(features)} features are too few for the {parameters} parameters "
            f"of {states} states with {spec.covariance_type} covariances; choose fewer states, a "
            "simpler covariance or more rows"
        )
    low = np.full(len(features), np.inf)
    high = -low
    for shard in sequences.shards():
        x = shard.gather(matrix)
        # NaN wins a minimum and a maximum, so it is seen in either.
        np.minimum(low, x.min(axis=0), out=low)
        np.maximum(high, x.max(axis=0), out=high)
    finite = np.isfinite(low) & np.isfinite(high)
    if not finite.all():
        name = features[int(np.argmin(finite))]
        raise ResearchError(f"feature {name} has NaN or infinity; prepare the matrix again")
    if (low == high).any():
        name = features[int(np.argmax(low == high))]
        raise ResearchError(
            f"feature {name} is constant in the rows to fit on; leave it out of the features"
        )


def estimator(spec: HmmSpec, random_state: int, n_jobs: int = 1) -> ShardedGaussianHMM:
    """An estimator as specified, not yet fitted."""
    return ShardedGaussianHMM(
        n_components=spec.n_components,
        covariance_type=spec.covariance_type,
        min_covar=spec.min_covar,
        n_iter=spec.n_iter,
        tol=spec.tol,
        random_state=random_state,
        start_rows=spec.start_rows,
        n_jobs=n_jobs,
        accelerate=True,
    )


def fit_restarts(
    matrix: np.ndarray, sequences: Sequences, spec: HmmSpec, *, n_jobs: int = 1
) -> tuple[ShardedGaussianHMM, list[dict[str, Any]]]:
    """The best of `spec.n_restarts` fits, and a record of each start.

    All starts are made of one sample of rows; k-means begins from another seed in each. Where there
    are more rows than the sample has, starts race: each is fitted to its end on the sample, and the
    `FINALISTS` that all rows are then likeliest under go on with all of them. A start that cannot be
    fitted is recorded with its ``error``; `ResearchError` is raised if none can.

    Of a record, ``race`` has the iterations on the sample, whether they converged, and the
    log-likelihood a row that all rows then had (None without a race). What follows is of the fit on all
    rows, and null for a start that was out before; ``kept`` is the one.
    """
    sample = start_sample(matrix, sequences, seed=spec.random_state, rows=spec.start_rows)
    if len(sample.rows) < spec.n_components:
        raise ResearchError(
            f"{spec.n_components} states from a sample of {len(sample.rows)} rows; raise start_rows"
        )
    race = len(sample.rows) < sequences.rows and spec.n_restarts > 1
    with one_library_thread():
        runners = _side_by_side(
            lambda restart, jobs: _started(sample, spec, restart, jobs, fit=race),
            range(spec.n_restarts),
            sample.sequences,
            n_jobs,
        )
        standing = [runner for runner in runners if runner.record["error"] is None]
        if race:
            for runner in standing:
                runner.note_race(matrix, sequences, n_jobs)
            standing = sorted(standing, key=lambda runner: -runner.raced)[:FINALISTS]
        _side_by_side(
            lambda runner, jobs: runner.fit(matrix, sequences, jobs), standing, sequences, n_jobs
        )
    done = [runner for runner in standing if runner.record["error"] is None]
    if not done:
        raise ResearchError(next(r.record["error"] for r in runners if r.record["error"]))
    best = max(done, key=lambda runner: runner.record["log_likelihood"])
    best.record["kept"] = True
    return best.model, [runner.record for runner in runners]


_OF_A_FIT = (
    "iterations", "converged", "log_likelihood", "log_likelihood_per_row", "to_come_per_row",
    "history_per_row", "dead_states", "states_at_floor", "log_space_sequences",
)  # fmt: skip


@dataclass
class _Runner:
    """A start on its way."""

    model: ShardedGaussianHMM
    record: dict[str, Any]
    raced: float = -np.inf

    def fit(self, matrix: np.ndarray, sequences: Sequences, n_jobs: int) -> None:
        """Fit on all rows; notes the error if that cannot be done."""
        model = self.model
        model.n_jobs = n_jobs
        try:
            model.fit(matrix, sequences)
        except ValueError as error:
            self.record["error"] = _named(self.record, error)
            return
        log_likelihood = model.score(matrix, sequences)
        monitor, rows = model.monitor_, sequences.rows
        self.record |= {
            "iterations": monitor.iter,
            "converged": bool(monitor.converged),
            "log_likelihood": log_likelihood,
            "log_likelihood_per_row": log_likelihood / rows,
            "to_come_per_row": monitor.to_come_per_row,
            "history_per_row": [value / rows for value in monitor.history],
            "dead_states": int(model.dead_states_.sum()),
            "states_at_floor": int(model.at_floor_.sum()),
            "log_space_sequences": int(model.log_space_sequences_),
        }

    def note_race(self, matrix: np.ndarray, sequences: Sequences, n_jobs: int) -> None:
        """How likely all rows are under what was fitted on the sample."""
        model = self.model
        model.n_jobs = n_jobs
        self.raced = model.score(matrix, sequences)
        self.record["race"] = {
            "iterations": model.monitor_.iter,
            "converged": bool(model.monitor_.converged),
            "log_likelihood_per_row": self.raced / sequences.rows,
        }


def _started(sample: Sample, spec: HmmSpec, restart: int, n_jobs: int, *, fit: bool) -> _Runner:
    """Start number `restart` (from 0), with `fit` fitted on the sample."""
    seed = spec.random_state + restart
    record: dict[str, Any] = {"restart": restart, "random_state": seed, "race": None}
    record |= dict.fromkeys(_OF_A_FIT) | {"error": None, "kept": False}
    model = estimator(spec, seed, n_jobs)
    model.init_params = ""
    model.n_features = sample.rows.shape[1]
    start = kmeans_start(
        sample,
        spec.n_components,
        covariance_type=spec.covariance_type,
        min_covar=spec.min_covar,
        seed=seed,
    )
    for name, value in start.items():
        setattr(model, name, value)
    if fit:
        try:
            model.fit(sample.rows, sample.sequences)
        except ValueError as error:
            record["error"] = _named(record, error)
    return _Runner(model, record)


def _named(record: dict[str, Any], error: ValueError) -> str:
    return f"start {record['restart']} (seed {record['random_state']}): {error}"


def _side_by_side(
    work: Callable[[Any, int], Any], items: Iterable[Any], sequences: Sequences, n_jobs: int
) -> list[Any]:
    """`work` of each item and its number of threads.

    A fit has no use for more threads than it has shards; where there are more, fits run side by side.
    """
    threads = min(n_jobs, sum(1 for _ in sequences.shards()))
    return list(in_order(lambda item: work(item, threads), items, max(1, n_jobs // threads)))
