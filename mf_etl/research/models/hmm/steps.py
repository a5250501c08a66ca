"""The iterations of a hidden Markov model as steps of an ascent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mf_etl.research.models.ascent import (
    Floats,
    Parameters,
    joined,
    of_covariances,
    of_probabilities,
    parted,
    to_covariances,
    to_probabilities,
)
from mf_etl.research.preparation.sequences import Sequences

if TYPE_CHECKING:
    from mf_etl.research.models.hmm.model import ShardedGaussianHMM

_CHANGED = ("startprob_", "transmat_", "means_", "_covars_")
_NOTED = ("dead_states_", "at_floor_")


class EmSteps:
    """A model on the rows of a fit; see `ascent.Ascending`."""

    def __init__(self, model: ShardedGaussianHMM, X: NDArray[Any], sequences: Sequences) -> None:
        self._model, self._x, self._sequences = model, X, sequences
        self._matrices = model.covariance_type in ("full", "tied")

    def iterate(self) -> float:
        statistics, log_likelihood = self._model._do_estep(self._x, self._sequences)
        if not np.isfinite(log_likelihood):
            raise ValueError("the log-likelihood is not finite")
        self._model._do_mstep(statistics)
        return float(log_likelihood)

    def parameters(self) -> Parameters:
        none = np.zeros(self._model.n_components, dtype=bool)
        noted = (getattr(self._model, name, none) for name in _NOTED)
        changed = (getattr(self._model, name) for name in _CHANGED)
        return tuple(np.array(array) for array in (*changed, *noted))

    def restore(self, parameters: Parameters) -> None:
        for name, array in zip((*_CHANGED, *_NOTED), parameters, strict=True):
            setattr(self._model, name, array.copy())

    def coordinates(self, parameters: Parameters) -> Floats:
        start, transitions, means, covariances = parameters[: len(_CHANGED)]
        return joined(
            of_probabilities(start),
            of_probabilities(transitions),
            means,
            of_covariances(covariances, self._matrices),
        )

    def at(self, coordinates: Floats, like: Parameters) -> Parameters:
        start, transitions, means, covariances = parted(coordinates, *like[: len(_CHANGED)])
        covariances = to_covariances(covariances, self._matrices)
        if not self._matrices:
            covariances = np.maximum(covariances, self._model.min_covar)
        probabilities = (to_probabilities(start), to_probabilities(transitions))
        return (*probabilities, means, covariances, *like[len(_CHANGED) :])
