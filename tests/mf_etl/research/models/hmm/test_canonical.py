"""State numbers by mean delta_flow_20."""

from __future__ import annotations

import numpy as np
import pytest

from mf_etl.research.models.hmm.canonical import (
    canonical_order,
    mean_by_viterbi_state,
    reorder,
)
from mf_etl.research.preparation import sequences as sequences_module
from tests.mf_etl.research.states import market, random_model


def test_means_by_viterbi_state(monkeypatch):
    monkeypatch.setattr(sequences_module, "SHARD_ROWS", 100)
    x, _, sequences = market(0, lengths=(80, 90, 70))
    model = random_model(0, 4, 3, n_jobs=2)
    model.means_[3] = 1e3
    values = np.random.default_rng(0).normal(size=len(x)).astype(np.float32)
    values[5] = np.nan
    found = mean_by_viterbi_state(model, x, sequences, values)
    states = model.predict(x, sequences)
    expected = [np.nanmean(values[states == k], dtype=np.float64) for k in np.unique(states)]
    np.testing.assert_allclose(found[np.unique(states)], expected, rtol=1e-12)
    assert np.isnan(found[3])


def test_order_is_ascending_with_empty_states_last():
    assert canonical_order(np.array([0.5, np.nan, -1.0, 0.5])).tolist() == [2, 0, 3, 1]


@pytest.mark.parametrize("covariance_type", ("diag", "full", "tied", "spherical"))
def test_renumbered_states_are_the_same_model(covariance_type):
    x, _, sequences = market(0, lengths=(80, 90))
    model = random_model(1, 4, 3, covariance_type)
    model.dead_states_ = np.array([True, False, False, False])
    states = model.predict(x, sequences)
    log_likelihood = model.score(x, sequences)
    order = np.array([2, 0, 3, 1])
    reorder(model, order)
    assert model.score(x, sequences) == pytest.approx(log_likelihood, rel=1e-12)
    assert np.array_equal(order[model.predict(x, sequences)], states)
    assert model.dead_states_.tolist() == [False, True, False, False]
