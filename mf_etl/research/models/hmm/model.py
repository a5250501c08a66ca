"""hmmlearn's Gaussian HMM with an E-step that runs over shards of sequences on threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hmmlearn.base import DECODER_ALGORITHMS
from hmmlearn.hmm import GaussianHMM
from sklearn.utils.validation import check_array, check_is_fitted

from mf_etl.research.datasets.streaming import in_order
from mf_etl.research.library_threads import one_library_thread
from mf_etl.research.models.ascent import ascend
from mf_etl.research.models.hmm.emissions import (
    log_density_diag,
    log_density_full,
    moments_diag,
    moments_full,
)
from mf_etl.research.models.hmm.floor import raised
from mf_etl.research.models.hmm.monitor import GainPerRowMonitor
from mf_etl.research.models.hmm.recursions import Expectations, expectations, viterbi
from mf_etl.research.models.hmm.start import START_ROWS, start_sample
from mf_etl.research.models.hmm.stationary import stationary_distribution
from mf_etl.research.models.hmm.steps import EmSteps
from mf_etl.research.preparation.sequences import Sequences

DEAD_ROWS = 1e-6
"""A state with a smaller sum of posteriors has no data: its parameters stay as they are."""

_NO_WEIGHT = 1e-100

MAX_COMPONENTS = 127


class ShardedGaussianHMM(GaussianHMM):  # type: ignore[misc]
    """A `hmmlearn.hmm.GaussianHMM` for data that is larger than memory allows to copy.

    From the same start it makes the same iterations as hmmlearn up to rounding, with the same
    parameters, attributes and methods. What differs:

    - `n_jobs` threads; the result does not depend on their number, bit for bit.
    - Data may be float32 and a memory map; it is read shard by shard and computed in float64.
      Wherever hmmlearn takes `lengths`, a `Sequences` may be given too.
    - `tol` is a gain in log-likelihood per row, 1e-6 by default, `n_iter` 1,000; `monitor_.converged`
      is true only if it was reached with little to come (see `ascent.Progress`).
    - With `accelerate`, iterations are followed by longer steps that are kept where the likelihood
      rises (see `ascent.ascend`); the parameters after an iteration are then no longer hmmlearn's.
    - Sequences of `Sequences` may start after a gap: from the stationary distribution of `transmat_`,
      and they bear on no start probability. Its change is no part of the M-step.
    - `min_covar` is a floor under the variances (diag, spherical) or eigenvalues (full, tied) after
      every M-step; `at_floor_` tells which states sit on it.
    - A state without data keeps its parameters and is told in `dead_states_`; a state that is never
      left keeps its row of `transmat_`.
    - The start is hmmlearn's, made of a seeded sample of at most `start_rows` rows.
    - `implementation` is without meaning: passes are scaled, by the largest density of each row, and
      what that cannot carry is done with logarithms, so none fails for underflow as ``scaling`` does.

    Attributes of a fit: `monitor_`, `dead_states_` and `at_floor_` (bool, shape (states,)),
    `log_space_sequences_` (sequences of the last E-step that scaling could not carry).
    """

    _covars_: np.ndarray

    def __init__(
        self,
        n_components: int = 1,
        covariance_type: str = "diag",
        min_covar: float = 1e-3,
        startprob_prior: Any = 1.0,
        transmat_prior: Any = 1.0,
        means_prior: Any = 0,
        means_weight: Any = 0,
        covars_prior: Any = 1e-2,
        covars_weight: Any = 1,
        algorithm: str = "viterbi",
        random_state: Any = None,
        n_iter: int = 1_000,
        tol: float = 1e-6,
        verbose: bool = False,
        params: str = "stmc",
        init_params: str = "stmc",
        implementation: str = "log",
        n_jobs: int = 1,
        start_rows: int = START_ROWS,
        accelerate: bool = False,
    ) -> None:
        super().__init__(
            n_components=n_components,
            covariance_type=covariance_type,
            min_covar=min_covar,
            startprob_prior=startprob_prior,
            transmat_prior=transmat_prior,
            means_prior=means_prior,
            means_weight=means_weight,
            covars_prior=covars_prior,
            covars_weight=covars_weight,
            algorithm=algorithm,
            random_state=random_state,
            n_iter=n_iter,
            tol=tol,
            verbose=verbose,
            params=params,
            init_params=init_params,
            implementation=implementation,
        )
        self.n_jobs = n_jobs
        self.start_rows = start_rows
        self.accelerate = accelerate
        self.monitor_ = GainPerRowMonitor(tol, n_iter, verbose)

    def fit(self, X: Any, lengths: Any = None) -> ShardedGaussianHMM:
        """Expectation maximisation until `tol` or `n_iter`; see the class for what differs."""
        X, sequences = self._checked(X, lengths)
        if self.n_components > MAX_COMPONENTS:
            raise ValueError(f"at most {MAX_COMPONENTS} components, not {self.n_components}")
        if self.n_components > sequences.rows:
            raise ValueError(f"{self.n_components} states for {sequences.rows} rows")
        self._init(X, sequences)
        self._check()
        monitor = GainPerRowMonitor(self.tol, self.n_iter, self.verbose, sequences.rows)
        self.monitor_ = monitor
        steps = EmSteps(self, X, sequences)
        with one_library_thread():
            monitor.iter = ascend(steps, monitor, self.n_iter, accelerate=self.accelerate)
        return self

    def decode(
        self, X: Any, lengths: Any = None, algorithm: str | None = None
    ) -> tuple[float, np.ndarray]:
        """Log-probability and states of the likeliest path, or of each row with ``map``."""
        check_is_fitted(self, "startprob_")
        algorithm = algorithm or self.algorithm
        if algorithm not in DECODER_ALGORITHMS:
            raise ValueError(f"Unknown decoder {algorithm!r}")
        X, sequences = self._checked(X, lengths)
        self._check()
        if algorithm == "map":
            posteriors = self._score(X, sequences, compute_posteriors=True)[1]
            return float(posteriors.max(axis=1).sum()), posteriors.argmax(axis=1)
        parts = list(self.over_shards(self._viterbi, X, sequences))
        path = np.concatenate([states for _, states in parts]).astype(np.int64)
        return sum(log_probability for log_probability, _ in parts), path

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Emission log-densities in float64, shape (rows, states)."""
        if x.shape[1] != self.means_.shape[1]:
            raise ValueError(f"X has {x.shape[1]} features, the model {self.means_.shape[1]}")
        if self.covariance_type == "diag":
            # hmmlearn's guard against a variance of zero that a caller has set.
            variances = np.maximum(self._covars_, np.finfo(float).tiny)
            return log_density_diag(x, self.means_, variances)
        if self.covariance_type == "spherical":
            variances = np.maximum(self._covars_, np.finfo(float).tiny)
            shape = self.means_.shape
            variances = np.broadcast_to(variances.reshape(self.n_components, -1), shape)
            return log_density_diag(x, self.means_, np.ascontiguousarray(variances))
        covariances = self._covars_
        if self.covariance_type == "tied":
            covariances = np.broadcast_to(covariances, (self.n_components, *covariances.shape))
        return log_density_full(x, self.means_, covariances)

    def to_hmmlearn(self) -> GaussianHMM:
        """A plain hmmlearn estimator with the same parameters."""
        plain = GaussianHMM(
            **{
                name: value
                for name, value in self.get_params().items()
                if name not in ("n_jobs", "start_rows", "accelerate")
            }
        )
        for name in ("startprob_", "transmat_", "means_", "_covars_"):
            setattr(plain, name, getattr(self, name).copy())
        plain.n_features = self.n_features
        return plain

    def over_shards(
        self, work: Callable[[np.ndarray, Sequences], Any], X: np.ndarray, sequences: Sequences
    ) -> Iterator[Any]:
        """`work` on the rows of each shard, on threads of one BLAS thread each, in order.

        Rows that lead a sequence in are there, too: `shard.reported` tells the others.
        """

        def on_shard(shard: Sequences) -> Any:
            led_in = shard.led_in()
            return work(led_in.gather(X), led_in)

        with one_library_thread():
            yield from in_order(on_shard, sequences.shards(), self.n_jobs)

    def _checked(self, X: Any, lengths: Any) -> tuple[np.ndarray, Sequences]:
        X = check_array(X, dtype=(np.float64, np.float32), order="C")
        if isinstance(lengths, Sequences):
            return X, lengths
        return X, Sequences.contiguous(lengths, len(X))

    def _init(self, X: np.ndarray, lengths: Any = None) -> None:
        if isinstance(lengths, Sequences):
            # The sample's seed: a random state is hmmlearn's to draw from.
            seed = self.random_state if isinstance(self.random_state, int) else 0
            X = start_sample(X, lengths, seed=seed, rows=self.start_rows).rows
            lengths = None
        with one_library_thread():  # The order of sums, and so the result, depends on threads.
            super()._init(X, lengths)

    def _compute_log_likelihood(self, X: np.ndarray) -> np.ndarray:
        return self.log_density(X)

    def _needs_sufficient_statistics_for_mean(self) -> bool:
        return True  # The covariances need the sums of posteriors even where means are fixed.

    def _do_estep(self, X: np.ndarray, lengths: Any) -> tuple[dict[str, Any], float]:
        X, sequences = np.asarray(X), lengths
        if not isinstance(lengths, Sequences):
            sequences = Sequences.contiguous(lengths, len(X))
        total = self._initialize_sufficient_statistics()
        log_likelihood = 0.0
        self.log_space_sequences_ = 0
        for statistics, shard_log_likelihood, in_log_space in self.over_shards(
            self._shard_statistics, X, sequences
        ):
            log_likelihood += shard_log_likelihood
            self.log_space_sequences_ += in_log_space
            for name, value in statistics.items():
                total[name] += value
        return total, log_likelihood

    def _shard_statistics(
        self, x: np.ndarray, shard: Sequences
    ) -> tuple[dict[str, Any], float, int]:
        found = self.expectations(x, shard)
        diagonal = self.covariance_type in ("diag", "spherical")
        listed = shard.listed()
        first, second = (moments_diag if diagonal else moments_full)(x, found.posteriors)
        statistics = {
            "nobs": int(listed.sum()),
            "start": listed @ found.posteriors[shard.bounds[:-1]],
            "trans": found.transitions,
            "post": np.ones(len(x)) @ found.posteriors,
            "obs": first,
            "obs**2" if diagonal else "obs*obs.T": second,
        }
        return statistics, found.log_likelihood, found.in_log_space

    def chain(
        self, x: np.ndarray, shard: Sequences
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What the passes of `recursions` take of the rows of a shard."""
        return self.log_density(x), shard.bounds, self._starts(shard), self.transmat_

    def _starts(self, shard: Sequences) -> np.ndarray:
        """Probabilities of states on the first row of each sequence."""
        if shard.after_gap is None or not shard.after_gap.any():
            return np.asarray(self.startprob_)
        stationary = stationary_distribution(self.transmat_)
        return np.where(shard.after_gap[:, None], stationary, self.startprob_)

    def expectations(self, x: np.ndarray, shard: Sequences) -> Expectations:
        """Posteriors and expected counts of the rows of a shard."""
        return expectations(*self.chain(x, shard))

    def viterbi_states(self, x: np.ndarray, shard: Sequences) -> np.ndarray:
        """Viterbi states (int8) of the rows of a shard."""
        return self._viterbi(x, shard)[1][shard.reported]

    def _viterbi(self, x: np.ndarray, shard: Sequences) -> tuple[float, np.ndarray]:
        return viterbi(*self.chain(x, shard))

    def _score(
        self, X: np.ndarray, lengths: Any = None, *, compute_posteriors: bool
    ) -> tuple[float, np.ndarray]:
        check_is_fitted(self, "startprob_")
        X, sequences = self._checked(X, lengths)
        self._check()
        log_likelihood = 0.0
        posteriors = [np.empty((0, self.n_components))]
        for found in self.over_shards(self.expectations, X, sequences):
            log_likelihood += found.log_likelihood
            if compute_posteriors:
                posteriors.append(found.posteriors)
        return log_likelihood, np.concatenate(posteriors)

    def _do_mstep(self, stats: dict[str, Any]) -> None:
        """hmmlearn's M-step; then what has no data stays, and covariances keep to their floor."""
        if not stats["nobs"]:  # Every sequence starts after a gap: starts are not known better.
            stats["start"] = self.startprob_.copy()
        means, covariances, transitions = self.means_, self._covars_, self.transmat_
        self.dead_states_ = stats["post"] < DEAD_ROWS
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            super()._do_mstep(self._told_of_dead_states(stats))
        as_before = self.dead_states_ | ~(self.transmat_.sum(axis=1) > 0)
        self.transmat_[as_before] = transitions[as_before]
        self.means_[self.dead_states_] = means[self.dead_states_]
        if self.covariance_type != "tied":
            self._covars_[self.dead_states_] = covariances[self.dead_states_]
        self._covars_, self.at_floor_ = raised(
            self._covars_, self.covariance_type, self.min_covar, self.n_components
        )

    def _told_of_dead_states(self, stats: dict[str, Any]) -> dict[str, Any]:
        """Statistics that keep the means of dead states where they are, at no weight.

        A mean of 0/0 would spread through the covariance that tied states share.
        """
        dead = self.dead_states_
        post = np.where(dead, _NO_WEIGHT, stats["post"])
        obs = np.where(dead[:, None], _NO_WEIGHT * self.means_, stats["obs"])
        return {**stats, "post": post, "obs": obs}
