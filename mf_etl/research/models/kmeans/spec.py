"""What a k-means clustering is asked to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mf_etl.research.models.options import IteratedOptions

if TYPE_CHECKING:
    from mf_etl.research.models.clusters import ClusterModel


class KMeansOptions(IteratedOptions):
    """Options of k-means."""

    defaults: ClassVar[dict[str, Any]] = {"n_init": 20, "max_iter": 300, "tol": 1e-4}

    @classmethod
    def implementation(cls) -> type[ClusterModel]:
        from mf_etl.research.models.kmeans.model import KMeansModel

        return KMeansModel
