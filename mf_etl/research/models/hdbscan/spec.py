"""What a clustering by density is asked to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mf_etl.research.models.options import ClusterOptions

if TYPE_CHECKING:
    from mf_etl.research.models.clusters import ClusterModel


class HdbscanOptions(ClusterOptions):
    """Options of HDBSCAN."""

    min_cluster_size: int = Field(default=500, ge=2)
    """Rows of the smallest group that hdbscan calls a cluster."""
    min_samples: int | None = Field(default=None, ge=1)
    """Neighbours that hdbscan measures density by; null is min_cluster_size."""

    takes_clusters: ClassVar[bool] = False
    # Its time grows with the square of the rows in this many features.
    fit_rows: ClassVar[int | None] = 50_000

    @classmethod
    def implementation(cls) -> type[ClusterModel]:
        from mf_etl.research.models.hdbscan.model import DensityModel

        return DensityModel
