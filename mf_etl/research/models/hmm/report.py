"""What is told of a fit: likelihoods, information criteria, states that should not be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.recursions import expectations, viterbi
from mf_etl.research.preparation.sequences import Sequences

DEGENERATE_SHARE = 0.001
"""A state with a smaller share of the rows (by posterior) is degenerate."""

ABSORBING = 1.0 - 1e-6
"""A state that is left with a smaller probability than one minus this is absorbing."""


@dataclass(frozen=True)
class Evaluation:
    """A model on some sequences. Log-likelihoods are natural and over all rows.

    Of sequences that are led in, the likelihood is that of their rows given the days before.
    """

    rows: int
    log_likelihood: float
    viterbi_log_probability: float
    """Of the rows, with those that lead them in, together with their Viterbi paths."""
    occupancy: np.ndarray
    """Shape (states,): sum of posteriors over rows, divided by rows."""


def evaluate(model: ShardedGaussianHMM, matrix: np.ndarray, sequences: Sequences) -> Evaluation:
    """Likelihood, likelihood of the Viterbi path and occupancy in one pass."""

    def on_shard(x: np.ndarray, shard: Sequences) -> tuple[float, float, np.ndarray]:
        chain = model.chain(x, shard)
        found, own = expectations(*chain), shard.reported
        posteriors = found.posteriors[own]
        occupancy = np.ones(len(posteriors)) @ posteriors
        return float(found.by_row[own].sum()), viterbi(*chain)[0], occupancy

    log_likelihood = path_log_probability = 0.0
    occupancy = np.zeros(model.n_components)
    for shard_likelihood, shard_path, shard_occupancy in model.over_shards(
        on_shard, matrix, sequences
    ):
        log_likelihood += shard_likelihood
        path_log_probability += shard_path
        occupancy += shard_occupancy
    rows = sequences.rows
    return Evaluation(rows, log_likelihood, path_log_probability, occupancy / rows)


def free_parameters(model: ShardedGaussianHMM) -> int:
    """Free parameters of a model, as hmmlearn counts them."""
    return int(sum(model._get_n_fit_scalars_per_param().values()))


def information_criteria(model: ShardedGaussianHMM, train: Evaluation) -> dict[str, float]:
    """AIC, BIC and ICL of a fit on the rows it was fitted on; lower is better.

    ICL is the BIC with the likelihood of rows and Viterbi path together, which also asks for states
    that can be told apart (Celeux and Durand 2008).
    """
    parameters = free_parameters(model)
    penalty = parameters * np.log(train.rows)
    return {
        "free_parameters": parameters,
        "aic": -2.0 * train.log_likelihood + 2.0 * parameters,
        "bic": float(-2.0 * train.log_likelihood + penalty),
        "icl": float(-2.0 * train.viterbi_log_probability + penalty),
    }


def degenerate_states(model: ShardedGaussianHMM, occupancy: np.ndarray) -> list[dict[str, Any]]:
    """States that should not be trusted, each with its reasons in plain words."""
    stays = np.diagonal(model.transmat_)
    floor = f"a covariance at its floor of {model.min_covar:g}"
    found = []
    for state in range(model.n_components):
        reasons = []
        if occupancy[state] < DEGENERATE_SHARE:
            reasons.append(f"occupancy {occupancy[state]:.2e} is under {DEGENERATE_SHARE:g}")
        if model.dead_states_[state]:
            reasons.append("no data in the last iteration, so its parameters stayed as they were")
        if model.at_floor_[state]:
            reasons.append(floor)
        if stays[state] > ABSORBING and model.n_components > 1:
            reasons.append(f"absorbing: probability {1.0 - stays[state]:.1e} a day to leave it")
        if reasons:
            found.append({"hmm_state": state, "reasons": reasons})
    return found


def fit_report(
    model: ShardedGaussianHMM,
    records: list[dict[str, Any]],
    train: Evaluation,
    test: Evaluation | None,
) -> dict[str, Any]:
    """What a run tells about its fit; `test` is null without rows held out."""
    kept = next(record for record in records if record["kept"])
    likelihoods = {
        "train": train.log_likelihood / train.rows,
        "test": None if test is None else test.log_likelihood / test.rows,
    }
    return {
        "converged": kept["converged"],
        "iterations": kept["iterations"],
        "to_come_per_row": kept["to_come_per_row"],
        "tol_per_row": model.tol,
        "log_likelihood_per_row": likelihoods,
        "train_rows": train.rows,
        "test_rows": None if test is None else test.rows,
        **information_criteria(model, train),
        "occupancy": train.occupancy.tolist(),
        "degenerate_states": degenerate_states(model, train.occupancy),
        "restarts": records,
    }
