"""A diagonal mixture of Student-t distributions (Peel and McLachlan 2000), fitted in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.models.clusters import ClusterModel, Predicted, RowsFit
from mf_etl.research.preparation.blocks import MatrixRows


@dataclass
class StudentTModel(ClusterModel):
    """Weights (clusters,), means and scales (clusters, features), degrees of freedom (1,)."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    freedom: NDArray[np.float64]

    @property
    def states(self) -> int:
        return len(self.weights)

    @classmethod
    def fit_rows(cls, rows: MatrixRows, spec: ClusteringSpec, threads: int) -> RowsFit:
        x = rows.take(np.arange(rows.rows))
        random = np.random.default_rng(spec.seed)
        clusters = spec.n_clusters or 2
        model = cls(
            np.full(clusters, 1 / clusters),
            x[random.choice(len(x), clusters, replace=False)],
            np.tile(x.var(axis=0), (clusters, 1)),
            np.array([spec.degrees_of_freedom]),
        )
        history: list[float] = []
        for _ in range(spec.options["max_iter"]):
            joint, distance = model.joint(x)
            history.append(float(logsumexp(joint, axis=1).mean()))
            if len(history) > 1 and history[-1] - history[-2] < spec.options["tol"]:
                break
            model = model.improved(x, joint, distance)
        converged = len(history) < spec.options["max_iter"]
        told = {
            "log_likelihood_per_row": history[-1],
            "iterations": len(history),
            "converged": converged,
        }
        return RowsFit(model, model.predict(rows, threads)[0], told)

    def joint(self, x: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log of weight times density, and squared distances; shape (rows, clusters) each."""
        features, nu = x.shape[1], float(self.freedom[0])
        distance = (np.square(x[:, None, :] - self.means) / self.scales).sum(axis=2)
        constant = gammaln((nu + features) / 2) - gammaln(nu / 2)
        constant -= features / 2 * np.log(nu * np.pi)
        volume = 0.5 * np.log(self.scales).sum(axis=1)
        density = constant - volume - (nu + features) / 2 * np.log1p(distance / nu)
        return np.log(self.weights) + density, distance

    def improved(self, x: NDArray[Any], joint: NDArray[Any], distance: NDArray[Any]) -> Self:
        """One step of expectation maximisation."""
        nu = float(self.freedom[0])
        share = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
        pull = share * (nu + x.shape[1]) / (nu + distance)
        means = pull.T @ x / pull.sum(axis=0)[:, None]
        squares = np.square(x[:, None, :] - means)
        scales = np.einsum("nk,nkf->kf", pull, squares) / share.sum(axis=0)[:, None]
        return type(self)(share.mean(axis=0), means, scales + 1e-6, self.freedom)

    def reordered(self, new_ids: NDArray[np.int16]) -> Self:
        order = np.argsort(new_ids)
        return type(self)(self.weights[order], self.means[order], self.scales[order], self.freedom)

    def predict(self, rows: MatrixRows, threads: int) -> Predicted:
        joint, _ = self.joint(rows.take(np.arange(rows.rows)))
        share = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
        return joint.argmax(axis=1).astype(np.int16), share.max(axis=1).astype(np.float32)

    def log_likelihood_per_row(self, rows: MatrixRows, threads: int) -> float | None:
        joint, _ = self.joint(rows.take(np.arange(rows.rows)))
        return float(logsumexp(joint, axis=1).mean())

    def arrays(self) -> dict[str, NDArray[Any]]:
        return dict(vars(self))

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], spec: dict[str, Any]) -> Self:
        return cls(**arrays)
