"""What a clustering is asked to be, checked before anything is read."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mf_etl.settings.sections import Section

HDBSCAN_FIT_ROWS = 50_000
"""Rows that HDBSCAN is fitted on unless `max_fit_rows` says otherwise: its time grows with their
square in this many features."""


_OF_ALL = frozenset({"method", "seed", "max_fit_rows", "silhouette_rows"})
_OF_KMEANS = _OF_ALL | {"n_clusters", "n_init", "max_iter", "tol"}
TAKEN = {
    "kmeans": _OF_KMEANS,
    "gmm": _OF_KMEANS | {"covariance_type", "reg_covar"},
    "hdbscan": _OF_ALL | {"min_cluster_size", "min_samples"},
}
"""Options that bear on each method."""


class ClusteringOptions(Section):
    """Options of a clustering of a prepared matrix, whatever its method."""

    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of starts and samples."""
    n_init: int | None = Field(default=None, ge=1, le=1000)
    """Starts, of which the best fit is kept; null is 20 for kmeans and 1 for gmm."""
    max_iter: int | None = Field(default=None, ge=1)
    """Iterations of a start at most; null is 300 for kmeans and 200 for gmm."""
    tol: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Change below which a fit has converged, as scikit-learn defines it; null is 1e-4 for kmeans
    and 1e-3 for gmm."""
    covariance_type: Literal["diag", "full", "tied", "spherical"] = "diag"
    """Covariance of the components of a gmm. Tied and spherical are fitted in memory."""
    reg_covar: float = Field(default=1e-6, ge=0, allow_inf_nan=False)
    """Added to the variances of a gmm."""
    min_cluster_size: int = Field(default=500, ge=2)
    """Rows of the smallest group that hdbscan calls a cluster."""
    min_samples: int | None = Field(default=None, ge=1)
    """Neighbours that hdbscan measures density by; null is min_cluster_size."""
    max_fit_rows: int | None = Field(default=None, ge=100)
    """Fit on whole tickers, drawn by the seed, of at most so many rows together, and predict the
    rest; null is all rows (50,000 for hdbscan)."""
    silhouette_rows: int = Field(default=20_000, ge=100, le=200_000)
    """Rows, drawn by the seed, that the silhouette is computed on; time grows with their square."""


class ClusteringSpec(ClusteringOptions):
    """Method and options of one clustering of a prepared matrix."""

    method: Literal["kmeans", "gmm", "hdbscan"] = "kmeans"
    """`kmeans`; `gmm`, a Gaussian mixture; `hdbscan`, exploratory: fitted on a sample of tickers,
    it finds the number of clusters itself and calls rows noise (cluster −1)."""
    n_clusters: int | None = Field(default=None, ge=2, le=1000)
    """Clusters to find; needed by kmeans and gmm, not taken by hdbscan."""

    @model_validator(mode="after")
    def _options_fit_the_method(self) -> Self:
        for name, field in type(self).model_fields.items():
            if name not in TAKEN[self.method] and getattr(self, name) != field.default:
                taken = ", ".join(sorted(TAKEN[self.method]))
                raise ValueError(f"{name} is not taken by {self.method}, which takes {taken}")
        if self.method != "hdbscan" and self.n_clusters is None:
            raise ValueError(f"{self.method} needs n_clusters")
        return self

    @property
    def options(self) -> dict[str, float]:
        """`n_init`, `max_iter` and `tol` in force, for kmeans and gmm."""
        defaults = {
            "kmeans": {"n_init": 20, "max_iter": 300, "tol": 1e-4},
            "gmm": {"n_init": 1, "max_iter": 200, "tol": 1e-3},
        }[self.method]
        return {
            name: default if (given := getattr(self, name)) is None else given
            for name, default in defaults.items()
        }

    @property
    def fit_rows_limit(self) -> int | None:
        """Rows to fit on at most; None is all."""
        if self.max_fit_rows is None and self.method == "hdbscan":
            return HDBSCAN_FIT_ROWS
        return self.max_fit_rows
