"""Gaussian mixtures as a model of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.models.clusters import ClusterModel, Predicted, RowsFit
from mf_etl.research.models.gmm.mixture import BlockedGaussianMixture
from mf_etl.research.preparation.blocks import MatrixRows

_PARAMETERS = ("weights", "means", "covariances", "precisions_cholesky")


@dataclass
class MixtureModel(ClusterModel):
    """The probability of a row is the posterior of its component."""

    estimator: BlockedGaussianMixture

    @property
    def states(self) -> int:
        return int(self.estimator.n_components)

    @classmethod
    def fit_rows(cls, rows: MatrixRows, spec: ClusteringSpec, threads: int) -> RowsFit:
        estimator = BlockedGaussianMixture(
            spec.clusters,
            covariance_type=spec.covariance_type,
            reg_covar=spec.reg_covar,
            random_state=spec.seed,
            threads=threads,
            **spec.options,
        ).fit(rows)
        labels, _, log_likelihood = estimator.posterior(rows)
        told = {
            "log_likelihood_per_row": log_likelihood,
            **estimator.criteria(rows.rows, log_likelihood),
            "iterations": estimator.n_iter_,
            "converged": estimator.converged_,
        }
        return RowsFit(cls(estimator), labels, told)

    def reordered(self, new_ids: NDArray[np.int16]) -> Self:
        order = np.argsort(new_ids)
        covariance = self.estimator.covariance_type
        shared = ("covariances", "precisions_cholesky") if covariance == "tied" else ()
        arrays = {n: a if n in shared else a[order] for n, a in self.arrays().items()}
        return self.of(arrays, {"covariance_type": covariance})

    def predict(self, rows: MatrixRows, threads: int) -> Predicted:
        self.estimator.threads = threads
        labels, probability, _ = self.estimator.posterior(rows)
        return labels, probability

    def log_likelihood_per_row(self, rows: MatrixRows, threads: int) -> float | None:
        self.estimator.threads = threads
        return float(self.estimator.posterior(rows)[2])

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {name: getattr(self.estimator, f"{name}_") for name in _PARAMETERS}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], spec: dict[str, Any]) -> Self:
        weights, means, *others = (arrays[name] for name in _PARAMETERS)
        estimator = BlockedGaussianMixture(len(weights), covariance_type=spec["covariance_type"])
        estimator._set_parameters((weights, means, *others))
        estimator.n_features_in_ = means.shape[1]
        return cls(estimator)
