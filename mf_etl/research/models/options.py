"""Options that several clusterings have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mf_etl.settings.sections import Section

if TYPE_CHECKING:  # Settings are read where no numbers are.
    from mf_etl.research.models.clusters import ClusterModel


class ClusterOptions(Section):
    """Options of a clustering of a prepared matrix, whatever its method."""

    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of starts and samples."""
    max_fit_rows: int | None = Field(default=None, ge=100)
    """Fit on whole tickers, drawn by the seed, of at most so many rows together, and predict the
    rest; null is all rows (50,000 for hdbscan)."""
    silhouette_rows: int = Field(default=20_000, ge=100, le=200_000)
    """Rows, drawn by the seed, that the silhouette is computed on; time grows with their square."""

    takes_clusters: ClassVar[bool] = True
    """Whether the number of clusters is asked for."""
    fit_rows: ClassVar[int | None] = None
    """What `max_fit_rows` is unless it is given."""
    defaults: ClassVar[dict[str, Any]] = {}
    """What options are whose null means the method's own."""

    @classmethod
    def implementation(cls) -> type[ClusterModel]:
        """The model that these are options of."""
        raise NotImplementedError(cls.__name__)


class IteratedOptions(ClusterOptions):
    """Options of a method that is iterated from several starts."""

    n_init: int | None = Field(default=None, ge=1, le=1000)
    """Starts, of which the best fit is kept; null is 20 for kmeans and 1 for gmm."""
    max_iter: int | None = Field(default=None, ge=1)
    """Iterations of a start at most; null is 300 for kmeans and 1,000 for gmm."""
    tol: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Change below which a fit has converged, as scikit-learn defines it; null is 1e-4 for kmeans
    and 1e-6 for gmm."""
