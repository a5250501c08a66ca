"""Gaussian mixtures on a memory map: scikit-learn's estimator with its EM loop done in blocks.

scikit-learn holds the responsibilities and several copies of the matrix, works on one thread in what
is not BLAS, and is exact in float64 only. Here the statistics are float64, one block at a time on each
thread, added in block order: the same parameters, bit for bit, at any number of threads.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.mixture._gaussian_mixture import _compute_precision_cholesky
from sklearn.utils.validation import validate_data

from mf_etl.errors import ResearchError
from mf_etl.research.library_threads import one_library_thread
from mf_etl.research.models.ascent import (
    Floats,
    Parameters,
    Progress,
    ascend,
    joined,
    of_covariances,
    of_probabilities,
    parted,
    to_covariances,
    to_probabilities,
)
from mf_etl.research.models.gmm.expectation import (
    Responsibilities,
    Statistics,
    hard_responsibilities,
    soft_responsibilities,
    total_statistics,
)
from mf_etl.research.models.kmeans.lloyd import fit_kmeans, kmeans_labels, refuse_too_few
from mf_etl.research.preparation.blocks import MatrixRows

_DIAGONAL = ("diag", "spherical")
"""Covariances that need no products of features."""


class BlockedGaussianMixture(GaussianMixture):  # type: ignore[misc]
    """`sklearn.mixture.GaussianMixture` that fits `MatrixRows` (or an array) in bounded memory.

    What differs: a start is the clusters of one k-means, unless `weights_init`, `means_init` and
    `precisions_init` are all given; `random_state` is an int; `tol` is 1e-6 and `max_iter` 1,000, and a
    fit has converged when no more than a nat per 1,000 rows is to come, too (`ascent.Progress`); one
    that has not says so in `converged_` and does not warn. With `accelerate`, steps that are longer
    than iterations are kept where the likelihood rises (`ascent.ascend`); without it, every iteration
    is scikit-learn's. `n_iter_` counts all, `lower_bounds_` has those that were kept.
    """

    precisions_cholesky_: np.ndarray

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "diag",
        tol: float = 1e-6,
        reg_covar: float = 1e-6,
        max_iter: int = 1_000,
        n_init: int = 1,
        weights_init: np.ndarray | None = None,
        means_init: np.ndarray | None = None,
        precisions_init: np.ndarray | None = None,
        random_state: int = 0,
        threads: int = 1,
        accelerate: bool = True,
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
        self.accelerate = accelerate

    def fit(self, X: MatrixRows | np.ndarray, y: None = None) -> Self:
        """Fit.

        Raises `ResearchError` for fewer rows than components and for a singular fit, and what
        scikit-learn raises for an array that is none of finite numbers in two dimensions.
        """
        rows = self._rows(X)
        refuse_too_few(rows, self.n_components)
        try:
            with one_library_thread():
                self._fit_rows(rows)
        except ValueError as error:
            reason = str(error).split(". ")[0]
            raise ResearchError(
                f"gmm of {self.n_components} components, {self.covariance_type} covariance: "
                f"{reason}; raise reg_covar or ask for fewer clusters"
            ) from None
        return self

    def fit_predict(self, X: MatrixRows | np.ndarray, y: None = None) -> np.ndarray:
        """Fit, then the most probable component of each row."""
        rows = self._rows(X)
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

    def _rows(self, X: MatrixRows | np.ndarray) -> MatrixRows:
        if isinstance(X, MatrixRows):
            return X
        dtypes = [np.float64, np.float32]
        return MatrixRows(validate_data(self, X, dtype=dtypes, ensure_min_samples=2))

    def _fit_rows(self, rows: MatrixRows) -> None:
        self.n_features_in_ = rows.features
        fits: list[tuple[Progress, int, Any]] = []
        for seed in np.random.SeedSequence(self.random_state).generate_state(self.n_init):
            self._start(rows, int(seed))
            progress = Progress(rows.rows, self.tol)
            steps = _Steps(self, rows)
            iterations = ascend(steps, progress, self.max_iter, accelerate=self.accelerate)
            fits.append((progress, iterations, steps.parameters()))
            fits = [max(fits, key=lambda fit: fit[0].values[-1])]
        progress, self.n_iter_, parameters = fits[0]
        self.lower_bounds_ = [value / rows.rows for value in progress.values]
        self.lower_bound_ = self.lower_bounds_[-1]
        self.converged_ = progress.converged
        _Steps(self, rows).restore(parameters)

    def _start(self, rows: MatrixRows, seed: int) -> None:
        if self._start_is_given:
            no_rows = np.empty((0, rows.features))
            self._check_parameters(no_rows, xp=np)
            self._initialize(no_rows, None)
            factors = self.precisions_cholesky_
            matrices = self.covariance_type not in _DIAGONAL
            self.covariances_ = (
                np.linalg.inv(factors @ np.swapaxes(factors, -1, -2))
                if matrices
                else 1.0 / np.square(factors)
            )
            return
        self.means_, labels = self._clusters(rows, seed)
        self._maximise(self._total(rows, hard_responsibilities(labels, self.n_components)))

    def _total(self, rows: MatrixRows, responsibilities: Responsibilities) -> Statistics:
        return total_statistics(rows, self.means_, self._kind, responsibilities, self.threads)

    @property
    def _kind(self) -> str:
        return "diag" if self.covariance_type in _DIAGONAL else "full"

    def _maximise(self, total: Statistics) -> None:
        """Parameters from statistics; as in scikit-learn a tiny weight keeps empty ones defined."""
        weight = total.weight + 10 * np.finfo(np.float64).eps
        if self._kind == "diag":
            self.means_ = total.first / weight[:, None]
            second = total.second / weight[:, None] - np.square(self.means_)
            self.covariances_ = second + self.reg_covar
            if self.covariance_type == "spherical":
                self.covariances_ = self.covariances_.mean(axis=1)
        else:
            before = self.means_
            self.means_ = (total.first + total.weight[:, None] * before) / weight[:, None]
            move = self.means_ - before
            cross = np.einsum("ki,kj->kij", total.first, move)
            spread = total.second - cross - cross.transpose(0, 2, 1)
            spread += np.einsum("k,ki,kj->kij", total.weight, move, move)
            if self.covariance_type == "tied":
                self.covariances_ = spread.sum(axis=0) / weight.sum()
            else:
                self.covariances_ = spread / weight[:, None, None]
            self.covariances_ += self.reg_covar * np.eye(before.shape[1])
        self.weights_ = weight / weight.sum()
        self.precisions_cholesky_ = _compute_precision_cholesky(
            self.covariances_, self.covariance_type
        )

    @property
    def _start_is_given(self) -> bool:
        given = (self.weights_init, self.means_init, self.precisions_init)
        return all(start is not None for start in given)

    def _clusters(self, rows: MatrixRows, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Centres and labels of one k-means."""
        fit = fit_kmeans(rows, self.n_components, seed=seed, n_init=1, threads=self.threads)
        return fit.centres, kmeans_labels(rows, fit.centres, self.threads)


class _Steps:
    """The iterations of a mixture as steps of an ascent; see `ascent.Ascending`."""

    def __init__(self, model: BlockedGaussianMixture, rows: MatrixRows) -> None:
        self._model, self._rows = model, rows
        self._matrices = model.covariance_type not in _DIAGONAL

    def iterate(self) -> float:
        """Expectation and maximisation (Dempster, Laird and Rubin 1977)."""
        model = self._model
        responsibilities = soft_responsibilities(
            model.weights_, model.means_, model.precisions_cholesky_, model.covariance_type
        )
        total = model._total(self._rows, responsibilities)
        model._maximise(total)
        return total.log_likelihood

    def parameters(self) -> Parameters:
        return self._model.weights_, self._model.means_, self._model.covariances_

    def restore(self, parameters: Parameters) -> None:
        model = self._model
        model.weights_, model.means_, model.covariances_ = parameters
        model.precisions_cholesky_ = _compute_precision_cholesky(
            model.covariances_, model.covariance_type
        )
        model._set_parameters((*parameters, model.precisions_cholesky_))

    def coordinates(self, parameters: Parameters) -> Floats:
        weights, means, covariances = parameters
        return joined(of_probabilities(weights), means, of_covariances(covariances, self._matrices))

    def at(self, coordinates: Floats, like: Parameters) -> Parameters:
        weights, means, covariances = parted(coordinates, *like)
        covariances = to_covariances(covariances, self._matrices)
        if not self._matrices:
            covariances = np.maximum(covariances, self._model.reg_covar)
        return to_probabilities(weights), means, covariances
