"""K-means as a model of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.models.clusters import ClusterModel, Predicted, RowsFit
from mf_etl.research.models.kmeans.lloyd import fit_kmeans, kmeans_labels
from mf_etl.research.preparation.blocks import MatrixRows


@dataclass
class KMeansModel(ClusterModel):
    """`centres` has shape (clusters, features)."""

    centres: NDArray[np.float64]

    knows_probability: ClassVar[bool] = False

    @property
    def states(self) -> int:
        return len(self.centres)

    @classmethod
    def fit_rows(cls, rows: MatrixRows, spec: ClusteringSpec, threads: int) -> RowsFit:
        fit = fit_kmeans(rows, spec.clusters, seed=spec.seed, threads=threads, **spec.options)
        labels = kmeans_labels(rows, fit.centres, threads)
        told = {"inertia": fit.inertia, "iterations": fit.iterations, "converged": fit.converged}
        return RowsFit(cls(fit.centres), labels, told)

    def reordered(self, new_ids: NDArray[np.int16]) -> Self:
        return type(self)(self.centres[np.argsort(new_ids)])

    def predict(self, rows: MatrixRows, threads: int) -> Predicted:
        return kmeans_labels(rows, self.centres, threads), None

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"centres": self.centres}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], spec: dict[str, Any]) -> Self:
        return cls(arrays["centres"])
