"""What a mixture of Student-t distributions is asked to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mf_etl.research.models.options import IteratedOptions

if TYPE_CHECKING:
    from mf_etl.research.models.clusters import ClusterModel


class StudentTOptions(IteratedOptions):
    """Options of mixtures of Student-t distributions."""

    degrees_of_freedom: float = Field(default=5.0, gt=2)
    """Of every component; the smaller, the heavier the tails."""

    defaults: ClassVar[dict[str, Any]] = {"n_init": 1, "max_iter": 200, "tol": 1e-6}

    @classmethod
    def implementation(cls) -> type[ClusterModel]:
        from mf_etl.research.models.student_t.model import StudentTModel

        return StudentTModel
