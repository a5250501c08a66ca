"""What a Gaussian mixture is asked to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mf_etl.research.models.options import IteratedOptions

if TYPE_CHECKING:
    from mf_etl.research.models.clusters import ClusterModel


class GmmOptions(IteratedOptions):
    """Options of Gaussian mixtures."""

    covariance_type: Literal["diag", "full", "tied", "spherical"] = "diag"
    """Covariance of the components of a gmm. Tied and spherical are fitted in memory."""
    reg_covar: float = Field(default=1e-6, ge=0, allow_inf_nan=False)
    """Added to the variances of a gmm."""

    # At scikit-learn's tolerance of 1e-3 a full mixture stopped 90,000 nats short of its end.
    defaults: ClassVar[dict[str, Any]] = {"n_init": 1, "max_iter": 1_000, "tol": 1e-6}

    @classmethod
    def implementation(cls) -> type[ClusterModel]:
        from mf_etl.research.models.gmm.model import MixtureModel

        return MixtureModel
