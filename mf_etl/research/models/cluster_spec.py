"""What a clustering is asked to be, checked before anything is read; the list of methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from mf_etl.research.models.gmm.spec import GmmOptions
from mf_etl.research.models.hdbscan.spec import HdbscanOptions
from mf_etl.research.models.kmeans.spec import KMeansOptions
from mf_etl.research.models.options import ClusterOptions

if TYPE_CHECKING:
    from mf_etl.research.models.clusters import ClusterModel

METHODS: dict[str, type[ClusterOptions]] = {
    "kmeans": KMeansOptions,
    "gmm": GmmOptions,
    "hdbscan": HdbscanOptions,
}
"""The options of each method; a method that is here has runs, sweeps, stability and figures."""

TAKEN = {method: frozenset(options.model_fields) for method, options in METHODS.items()}
"""Options that bear on each method, besides the number of clusters."""

# Literal of a list is for pydantic; a type checker sees text.
if TYPE_CHECKING:
    Method: TypeAlias = str
else:
    Method = Literal[tuple(METHODS)]


class ClusteringOptions(*METHODS.values()):  # type: ignore[misc]
    """Options of a clustering of a prepared matrix; a method takes those that bear on it."""


class ClusteringSpec(ClusteringOptions):
    """Method and options of one clustering of a prepared matrix."""

    method: Method = "kmeans"
    """`kmeans`; `gmm`, a Gaussian mixture; `hdbscan`, exploratory: fitted on a sample of tickers,
    it finds the number of clusters itself and calls rows noise (cluster −1)."""
    n_clusters: int | None = Field(default=None, ge=2, le=1000)
    """Clusters to find; needed by kmeans and gmm, not taken by hdbscan."""

    @model_validator(mode="after")
    def _options_fit_the_method(self) -> Self:
        options = METHODS[self.method]
        taken = {"method", *TAKEN[self.method]}
        if options.takes_clusters:
            taken.add("n_clusters")
        for name, field in type(self).model_fields.items():
            if name not in taken and getattr(self, name) != field.default:
                known = ", ".join(sorted(taken))
                raise ValueError(f"{name} is not taken by {self.method}, which takes {known}")
        if options.takes_clusters and self.n_clusters is None:
            raise ValueError(f"{self.method} needs n_clusters")
        return self

    @property
    def clusters(self) -> int:
        """Clusters to find, of a method that is told."""
        if self.n_clusters is None:
            raise ValueError(f"{self.method} finds the number of clusters itself")
        return self.n_clusters

    @property
    def options(self) -> dict[str, Any]:
        """Options in force whose null means the method's own."""
        return {
            name: default if (given := getattr(self, name)) is None else given
            for name, default in METHODS[self.method].defaults.items()
        }

    @property
    def fit_rows_limit(self) -> int | None:
        """Rows to fit on at most; None is all."""
        return METHODS[self.method].fit_rows if self.max_fit_rows is None else self.max_fit_rows

    def told(self) -> dict[str, Any]:
        """The options that tell one cell of a sweep from another."""
        told = {"method": self.method, "n_clusters": self.n_clusters, "seed": self.seed}
        if "covariance_type" in TAKEN[self.method]:
            told["covariance_type"] = self.covariance_type
        return told

    def model(self) -> type[ClusterModel]:
        """What is fitted; loaded only when it is asked for."""
        return METHODS[self.method].implementation()
