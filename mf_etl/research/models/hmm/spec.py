"""What one HMM fit is asked to do, checked before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mf_etl.settings.sections import Section

if TYPE_CHECKING:  # Settings are read where no numbers are.
    from mf_etl.research.models.hmm.markov import MarkovModel

CovarianceType = Literal["diag", "full", "tied", "spherical"]


class HmmSpec(Section):
    """A Gaussian hidden Markov model: its shape, its sequences and how it is fitted."""

    n_components: int = Field(default=5, ge=1, le=100)
    """States; transition codes hold two digits each."""
    covariance_type: CovarianceType = "diag"
    """Shape of the covariances: one variance a feature, a full matrix, one matrix for all states,
    or one variance a state."""
    n_iter: int = Field(default=1_000, ge=1)
    """Iterations at most; a fit that stops here has not converged, and says so."""
    tol: float = Field(default=1e-6, gt=0)
    """A fit has converged when the log-likelihood per row changes by less than this in an iteration,
    and no more than one nat per 1,000 rows is to come if changes go on shrinking as they do."""
    n_restarts: int = Field(default=5, ge=1)
    """Starts from different seeds; the one with the best train likelihood is kept."""
    random_state: int = Field(default=0, ge=0, le=2**32 - 10_001)
    """Seed of the first start and of the sample that all starts are made of; start i adds i."""
    min_covar: float = Field(default=1e-3, gt=0)
    """Floor under variances, or eigenvalues, after every iteration, in squared scaled units."""
    start_rows: int = Field(default=200_000, ge=1)
    """Rows of the sample that starts are made of."""
    min_sequence_length: int = Field(default=100, ge=1)
    """Shorter sequences are left out of the fit and counted."""
    min_decoded_length: int = Field(default=1, ge=1)
    """Shorter sequences are not decoded and are counted."""
    max_gap_days: int = Field(default=30, ge=1)
    """A gap of more calendar days ends a sequence and starts another."""

    @property
    def seed(self) -> int:
        """Of all that is drawn."""
        return self.random_state

    def told(self) -> dict[str, Any]:
        """The options that tell one cell of a sweep from another."""
        return {
            "method": "hmm",
            "n_components": self.n_components,
            "covariance_type": self.covariance_type,
            "seed": self.random_state,
        }

    def model(self) -> type[MarkovModel]:
        """What is fitted; loaded only when it is asked for."""
        from mf_etl.research.models.hmm.markov import MarkovModel

        return MarkovModel
