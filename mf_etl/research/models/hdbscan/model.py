"""Clusters by density as a model of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import hdbscan
import numpy as np
from numpy.typing import NDArray

from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.models.clusters import ClusterModel, Predicted, RowsFit, renamed_labels
from mf_etl.research.models.hdbscan.density import (
    fit_hdbscan,
    hdbscan_arrays,
    hdbscan_from_arrays,
    hdbscan_labels,
)
from mf_etl.research.preparation.blocks import MatrixRows

_SIZES = ("min_cluster_size", "min_samples")


@dataclass
class DensityModel(ClusterModel):
    """HDBSCAN with the canonical id of each of its labels; the probability is its strength.

    Predictions are approximate: a row that the model was fitted on can get another label than the
    fit gave it, so the fit's own are kept.
    """

    estimator: hdbscan.HDBSCAN
    new_ids: NDArray[np.int16]

    @property
    def states(self) -> int:
        return len(self.new_ids)

    @classmethod
    def fit_rows(cls, rows: MatrixRows, spec: ClusteringSpec, threads: int) -> RowsFit:
        estimator = fit_hdbscan(rows, **{name: getattr(spec, name) for name in _SIZES})
        labels = estimator.labels_.astype(np.int16)
        as_they_are = np.arange(int(labels.max()) + 1, dtype=np.int16)
        strength = estimator.probabilities_.astype(np.float32)
        return RowsFit(cls(estimator, as_they_are), labels, {}, strength)

    def reordered(self, new_ids: NDArray[np.int16]) -> Self:
        return type(self)(self.estimator, new_ids)

    def predict(self, rows: MatrixRows, threads: int) -> Predicted:
        labels, strength = hdbscan_labels(self.estimator, rows, threads)
        return renamed_labels(labels, self.new_ids), strength

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {**hdbscan_arrays(self.estimator), "new_ids": self.new_ids}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], spec: dict[str, Any]) -> Self:
        new_ids = arrays.pop("new_ids")
        return cls(hdbscan_from_arrays(arrays, **{name: spec[name] for name in _SIZES}), new_ids)
