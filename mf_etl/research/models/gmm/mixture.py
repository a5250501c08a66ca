"""Gaussian mixtures on a memory map: scikit-learn's estimator with its EM loop done in blocks.

scikit-learn holds the responsibilities and several copies of the matrix, works on one thread in what
is not BLAS, and is exact in float64 only. Here the statistics are float64, one block at a time on each
thread, added in block order: the same parameters, bit for bit, at any number of threads. Tied and
spherical covariances are left to scikit-learn, so they need the fit rows in memory.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.mixture._gaussian_mixture import _compute_precision_cholesky

from mf_etl.errors import ResearchError
from mf_etl.research.library_threads import one_library_thread
from mf_etl.research.models.gmm.expectation import (
    Responsibilities,
    Statistics,
    hard_responsibilities,
    soft_responsibilities,
    total_statistics,
)
from mf_etl.research.models.kmeans.lloyd import fit_kmeans, kmeans_labels, refuse_too_few
from mf_etl.research.preparation.blocks import MatrixRows

STREAMED = ("diag", "full")
IN_MEMORY_ROWS = 2_000_000
"""Rows that scikit-learn is given whole at most: float64 with its copies, about 2 GB."""


class BlockedGaussianMixture(GaussianMixture):
    """`sklearn.mixture.GaussianMixture` that fits `MatrixRows` (or an array) in bounded memory.

    What differs: a start is the clusters of one k-means, unless `weights_init`, `means_init` and
    `precisions_init` are all given; `random_state` is an int; a fit that did not converge says so
    in `converged_` and does not warn.
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "diag",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 200,
        n_init: int = 1,
        weights_init: np.ndarray | None = None,
        means_init: np.ndarray | None = None,
        precisions_init: np.ndarray | None = None,
        random_state: int = 0,
        threads: int = 1,
    ) -> None:
        super().__init__(
            n_components,
            covariance_type=covariance_type,
            tol=tol,
            reg_covar=reg_covar,
            max_iter=max_iter,
            n_init=n_init,
            weights_init=weights_init,
            means_init=means_init,
            precisions_init=precisions_init,
            random_state=random_state,
        )
        self.threads = threads

    def fit(self, X: MatrixRows | np.ndarray, y: None = None) -> Self:
        """Fit; raises `ResearchError` for fewer rows than components and for a singular fit."""
        rows = _as_rows(X)
        refuse_too_few(rows, self.n_components)
        try:
            if self.covariance_type in STREAMED:
                self._fit_streamed(rows)
            else:
                self._fit_in_memory(rows)
        except ValueError as error:
            reason = str(error).split(". ")[0]
            raise ResearchError(
                f"gmm of {self.n_components} components, {self.covariance_type} covariance: "
                f"{reason}; raise reg_covar or ask for fewer clusters"
            ) from None
        return self

    def fit_predict(self, X: MatrixRows | np.ndarray, y: None = None) -> np.ndarray:
        """Fit, then the most probable component of each row."""
        rows = _as_rows(X)
        return self.fit(rows).posterior(rows)[0]

    def posterior(self, rows: MatrixRows) -> tuple[np.ndarray, np.ndarray, float]:
        """Component (int16) and its probability (float32) of each row, and mean log-likelihood."""
        labels = np.empty(rows.rows, dtype=np.int16)
        probability = np.empty(rows.rows, dtype=np.float32)
        one = partial(self._posterior_of_block, rows, labels, probability)
        return labels, probability, sum(rows.each(one, self.threads)) / rows.rows

    def criteria(self, rows: int, mean_log_likelihood: float) -> dict[str, float]:
        """BIC (Schwarz 1978) and AIC (Akaike 1974) of a fit to so many rows; lower is better."""
        misfit, parameters = -2 * mean_log_likelihood * rows, self._n_parameters()
        return {
            "bic": float(misfit + parameters * np.log(rows)),
            "aic": float(misfit + 2 * parameters),
        }

    def _posterior_of_block(
        self, rows: MatrixRows, labels: np.ndarray, probability: np.ndarray, number: int
    ) -> float:
        span, log_likelihood = rows.span(number), 0.0
        for inside, x in rows.chunks(number):
            joint = self._estimate_weighted_log_prob(x)
            top = joint.max(axis=1)
            rest = np.log(np.exp(joint - top[:, None]).sum(axis=1))
            labels[span][inside] = joint.argmax(axis=1)
            probability[span][inside] = np.exp(-rest)
            log_likelihood += float((top + rest).sum())
        return log_likelihood

    def _fit_streamed(self, rows: MatrixRows) -> None:
        self.n_features_in_ = rows.features
        best: tuple[Any, ...] | None = None
        for seed in np.random.SeedSequence(self.random_state).generate_state(self.n_init):
            self._start(rows, int(seed))
            bounds, converged = self._em(rows)
            if best is None or bounds[-1] > best[0][-1]:
                best = bounds, converged, self._get_parameters()
        self.lower_bounds_, self.converged_, parameters = best
        self.lower_bound_ = self.lower_bounds_[-1]
        self.n_iter_ = len(self.lower_bounds_)
        self._set_parameters(parameters)

    def _start(self, rows: MatrixRows, seed: int) -> None:
        if self._start_is_given:
            no_rows = np.empty((0, rows.features))
            self._check_parameters(no_rows, xp=np)
            self._initialize(no_rows, None)
            return
        self.means_, labels = self._clusters(rows, seed)
        self._maximise(self._total(rows, hard_responsibilities(labels, self.n_components)))

    def _em(self, rows: MatrixRows) -> tuple[list[float], bool]:
        """Expectation maximisation (Dempster, Laird and Rubin 1977) from the parameters set."""
        bounds: list[float] = []
        for _ in range(self.max_iter):
            parameters = (self.weights_, self.means_, self.precisions_cholesky_)
            total = self._total(rows, soft_responsibilities(*parameters, self.covariance_type))
            self._maximise(total)
            bounds.append(total.log_likelihood / rows.rows)
            if len(bounds) > 1 and abs(bounds[-1] - bounds[-2]) < self.tol:
                return bounds, True
        return bounds, False

    def _total(self, rows: MatrixRows, responsibilities: Responsibilities) -> Statistics:
        return total_statistics(
            rows, self.means_, self.covariance_type, responsibilities, self.threads
        )

    def _maximise(self, total: Statistics) -> None:
        """Parameters from statistics; as in scikit-learn a tiny weight keeps empty ones defined."""
        weight = total.weight + 10 * np.finfo(np.float64).eps
        if self.covariance_type == "diag":
            self.means_ = total.first / weight[:, None]
            second = total.second / weight[:, None] - np.square(self.means_)
            self.covariances_ = second + self.reg_covar
        else:
            before = self.means_
            self.means_ = (total.first + total.weight[:, None] * before) / weight[:, None]
            move = self.means_ - before
            cross = np.einsum("ki,kj->kij", total.first, move)
            spread = total.second - cross - cross.transpose(0, 2, 1)
            spread += np.einsum("k,ki,kj->kij", total.weight, move, move)
            identity = np.eye(before.shape[1])
            self.covariances_ = spread / weight[:, None, None] + self.reg_covar * identity
        self.weights_ = weight / weight.sum()
        self.precisions_cholesky_ = _compute_precision_cholesky(
            self.covariances_, self.covariance_type
        )

    def _fit_in_memory(self, rows: MatrixRows) -> None:
        if rows.rows > IN_MEMORY_ROWS:
            raise ResearchError(
                f"gmm with {self.covariance_type} covariance is fitted in memory, to at most "
                f"{IN_MEMORY_ROWS:,} rows, not {rows.rows:,}; set max_fit_rows, or use diag or full"
            )
        with one_library_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit_predict(rows.take(np.arange(rows.rows)))

    def _initialize_parameters(self, X: np.ndarray, random_state: Any, xp: Any = None) -> None:
        """scikit-learn's start of a fit in memory: the same clusters as of a streamed one."""
        if self._start_is_given:
            super()._initialize_parameters(X, random_state, xp=xp)
            return
        _, labels = self._clusters(MatrixRows(X), random_state.randint(2**31))
        self._initialize(X, (labels[:, None] == np.arange(self.n_components)).astype(X.dtype))

    @property
    def _start_is_given(self) -> bool:
        given = (self.weights_init, self.means_init, self.precisions_init)
        return all(start is not None for start in given)

    def _clusters(self, rows: MatrixRows, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Centres and labels of one k-means."""
        fit = fit_kmeans(rows, self.n_components, seed=seed, n_init=1, threads=self.threads)
        return fit.centres, kmeans_labels(rows, fit.centres, self.threads)


def _as_rows(X: MatrixRows | np.ndarray) -> MatrixRows:
    return X if isinstance(X, MatrixRows) else MatrixRows(X)
