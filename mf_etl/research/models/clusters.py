"""A fitted model as plain arrays on disk, and its predictions. Nothing is pickled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import hdbscan
import numpy as np

from mf_etl.errors import ResearchError
from mf_etl.io import replacing, write_json
from mf_etl.research.models.canonical import renamed
from mf_etl.research.models.gmm.mixture import BlockedGaussianMixture
from mf_etl.research.models.hdbscan.density import (
    hdbscan_arrays,
    hdbscan_from_arrays,
    hdbscan_labels,
)
from mf_etl.research.models.kmeans.lloyd import kmeans_labels
from mf_etl.research.preparation.blocks import MatrixRows
from mf_etl.research.runs.catalog import CLUSTERING_RUN

ARRAYS = CLUSTERING_RUN["model_arrays"]
ABOUT = CLUSTERING_RUN["model"]

Predicted = tuple[np.ndarray, np.ndarray | None]
"""Canonical cluster id (int16) of each row, and its probability (float32) if the method has one."""


class Model(Protocol):
    """A fitted model whose clusters are in canonical order."""

    @property
    def clusters(self) -> int:
        """Ids are 0 to this − 1, and −1 is noise."""

    def predict(self, rows: MatrixRows, threads: int) -> Predicted:
        """Cluster and probability of scaled rows."""

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learnt."""


@dataclass(frozen=True)
class KMeansModel:
    """`centres` has shape (clusters, features)."""

    centres: np.ndarray

    @property
    def clusters(self) -> int:
        return len(self.centres)

    def predict(self, rows: MatrixRows, threads: int) -> Predicted:
        return kmeans_labels(rows, self.centres, threads), None

    def arrays(self) -> dict[str, np.ndarray]:
        return {"centres": self.centres}


@dataclass(frozen=True)
class MixtureModel:
    """A Gaussian mixture; the probability is the posterior of the component."""

    estimator: BlockedGaussianMixture

    @property
    def clusters(self) -> int:
        return self.estimator.n_components

    def predict(self, rows: MatrixRows, threads: int) -> Predicted:
        self.estimator.threads = threads
        labels, probability, _ = self.estimator.posterior(rows)
        return labels, probability

    def arrays(self) -> dict[str, np.ndarray]:
        names = ("weights", "means", "covariances", "precisions_cholesky")
        return {name: getattr(self.estimator, f"{name}_") for name in names}

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray], covariance_type: str) -> MixtureModel:
        """From what `arrays` gives."""
        weights, means = arrays["weights"], arrays["means"]
        estimator = BlockedGaussianMixture(len(weights), covariance_type=covariance_type)
        estimator._set_parameters(
            (weights, means, arrays["covariances"], arrays["precisions_cholesky"])
        )
        estimator.n_features_in_ = means.shape[1]
        return cls(estimator)

    def reordered(self, new_ids: np.ndarray) -> MixtureModel:
        """With its components in the order of their new ids."""
        order = np.argsort(new_ids)
        tied = self.estimator.covariance_type == "tied"
        shared = ("covariances", "precisions_cholesky") if tied else ()
        arrays = {n: a if n in shared else a[order] for n, a in self.arrays().items()}
        return MixtureModel.of(arrays, self.estimator.covariance_type)


@dataclass(frozen=True)
class DensityModel:
    """HDBSCAN with the canonical id of each of its labels; the probability is its strength.

    Predictions are approximate: a row that the model was fitted on can get another label than the
    fit gave it.
    """

    estimator: hdbscan.HDBSCAN
    new_ids: np.ndarray

    @property
    def clusters(self) -> int:
        return len(self.new_ids)

    def predict(self, rows: MatrixRows, threads: int) -> Predicted:
        labels, strength = hdbscan_labels(self.estimator, rows, threads)
        return renamed(labels, self.new_ids), strength

    def arrays(self) -> dict[str, np.ndarray]:
        return {**hdbscan_arrays(self.estimator), "new_ids": self.new_ids}


def save_model(model: Model, about: dict[str, Any], folder: Path) -> None:
    """Write ``model.npz`` and ``model.json``; `about` holds at least the ``spec``."""
    with replacing(folder / ARRAYS) as temporary, temporary.open("wb") as file:
        np.savez(file, **model.arrays())
    write_json(about, folder / ABOUT)


def load_model(folder: Path) -> tuple[Model, dict[str, Any]]:
    """The model of a run folder, and what is told about it.

    Raises `ResearchError` if the folder holds none, or not the whole of one.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        with np.load(folder / ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return _model_of(about["spec"], arrays), about
    except KeyError as error:
        reason = f"no {error.args[0]}"
    except (OSError, ValueError, TypeError, AttributeError, EOFError, BadZipFile) as error:
        reason = str(error).splitlines()[0]
    raise ResearchError(f"model in {folder}: {reason}; run the clustering again")


def _model_of(spec: dict[str, Any], arrays: dict[str, np.ndarray]) -> Model:
    # Infinity has its place: the density of equal rows in HDBSCAN.
    if any(np.isnan(array).any() for array in arrays.values()):
        raise ValueError("a parameter is NaN")
    if spec["method"] == "kmeans":
        return KMeansModel(arrays["centres"])
    if spec["method"] == "gmm":
        return MixtureModel.of(arrays, spec["covariance_type"])
    new_ids = arrays.pop("new_ids")
    sizes = {name: spec[name] for name in ("min_cluster_size", "min_samples")}
    return DensityModel(hdbscan_from_arrays(arrays, **sizes), new_ids)
