"""From a prepared matrix and a specification to a model, the cluster of every row, and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mf_etl.research.evaluation.cluster_metrics import cluster_metrics
from mf_etl.research.models.canonical import ORDER_COLUMN, canonical_order, renamed
from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.models.clusters import DensityModel, KMeansModel, MixtureModel, Model
from mf_etl.research.models.gmm.mixture import BlockedGaussianMixture
from mf_etl.research.models.hdbscan.density import fit_hdbscan
from mf_etl.research.models.kmeans.lloyd import fit_kmeans, kmeans_labels
from mf_etl.research.models.sampling import FitSample, fit_sample
from mf_etl.research.preparation.blocks import MatrixRows
from mf_etl.research.preparation.prepared import Prepared


@dataclass(frozen=True)
class Clustering:
    """`labels` (int16) and `probability` (float32, or None) have one entry a matrix row."""

    spec: ClusteringSpec
    sample: FitSample
    model: Model
    labels: np.ndarray
    probability: np.ndarray | None
    fit: dict[str, Any]
    """What the method tells of its fit: inertia, or BIC and AIC; iterations, converged."""


def clustered(prepared: Prepared, spec: ClusteringSpec, threads: int) -> Clustering:
    """Fit on the fit rows and label every row of the matrix; ids are canonical.

    Nothing that was learnt rests on other rows than the fit rows. Raises `ResearchError` for values
    that are not finite, too few rows, and what `fit_sample` refuses.
    """
    prepared.refuse_infinite(threads)
    sample = fit_sample(prepared, spec.fit_rows_limit, spec.seed)
    rows = MatrixRows(prepared.matrix, sample.chosen)
    flow = prepared.column(ORDER_COLUMN)[sample.chosen].astype(np.float64)
    method = {"kmeans": _kmeans, "gmm": _gmm, "hdbscan": _hdbscan}[spec.method]
    model, fit = method(rows, flow, spec, threads)
    if isinstance(model, DensityModel):
        labels, probability = _labels_of_density(prepared, sample, model, threads)
    else:
        labels, probability = model.predict(MatrixRows(prepared.matrix), threads)
    return Clustering(spec, sample, model, labels, probability, fit)


def clustering_metrics(prepared: Prepared, found: Clustering, threads: int) -> dict[str, Any]:
    """Metrics of the rows fitted on (``fit``) and, where they are others, predicted (``predict``)."""
    sides = {"fit": found.sample.chosen, "predict": prepared.is_predict}
    if (sides["fit"] == sides["predict"]).all():
        del sides["predict"]
    told = {
        side: cluster_metrics(
            MatrixRows(prepared.matrix, chosen),
            found.labels[chosen],
            silhouette_rows=found.spec.silhouette_rows,
            seed=found.spec.seed,
            threads=threads,
        )
        for side, chosen in sides.items()
    }
    told["fit"] |= found.fit
    return {"method": found.spec.method, "n_clusters": found.spec.n_clusters, **told}


def _kmeans(
    rows: MatrixRows, flow: np.ndarray, spec: ClusteringSpec, threads: int
) -> tuple[Model, dict[str, Any]]:
    fit = fit_kmeans(rows, spec.n_clusters, seed=spec.seed, threads=threads, **spec.options)
    labels = kmeans_labels(rows, fit.centres, threads)
    order = np.argsort(canonical_order(labels, flow, spec.n_clusters))
    told = {"inertia": fit.inertia, "iterations": fit.iterations, "converged": fit.converged}
    return KMeansModel(fit.centres[order]), told


def _gmm(
    rows: MatrixRows, flow: np.ndarray, spec: ClusteringSpec, threads: int
) -> tuple[Model, dict[str, Any]]:
    estimator = BlockedGaussianMixture(
        spec.n_clusters,
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
    new_ids = canonical_order(labels, flow, spec.n_clusters)
    return MixtureModel(estimator).reordered(new_ids), told


def _hdbscan(
    rows: MatrixRows, flow: np.ndarray, spec: ClusteringSpec, threads: int
) -> tuple[Model, dict[str, Any]]:
    sizes = {"min_cluster_size": spec.min_cluster_size, "min_samples": spec.min_samples}
    estimator = fit_hdbscan(rows, **sizes)
    labels = estimator.labels_.astype(np.int16)
    return DensityModel(estimator, canonical_order(labels, flow, int(labels.max()) + 1)), {}


def _labels_of_density(
    prepared: Prepared, sample: FitSample, model: DensityModel, threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows fitted on keep the fit's own labels and strengths; others are predicted."""
    labels = np.empty(prepared.rows, dtype=np.int16)
    strength = np.empty(prepared.rows, dtype=np.float32)
    labels[sample.chosen] = renamed(model.estimator.labels_, model.new_ids)
    strength[sample.chosen] = model.estimator.probabilities_
    if not sample.chosen.all():
        others = ~sample.chosen
        labels[others], strength[others] = model.predict(
            MatrixRows(prepared.matrix, others), threads
        )
    return labels, strength
