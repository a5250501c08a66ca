"""Runs of filtered states of a model, held against the chain itself."""

from __future__ import annotations

import numpy as np

from mf_etl.research.walk_forward import dwell
from tests.mf_etl.research.states import random_model


def far_apart(stay: float):
    model = random_model(0, 2, 2)
    model.means_ = np.array([[-50.0, 0.0], [50.0, 0.0]])
    model.transmat_ = np.array([[stay, 1 - stay], [1 - stay, stay]])
    return model


def test_states_that_cannot_be_mistaken_last_as_the_chain_does():
    found = dwell.simulated_runs(far_apart(0.9), seed=1)
    for lengths in found.values():
        assert abs(lengths.mean() - 10) < 0.5
    again = dwell.simulated_runs(far_apart(0.9), seed=1)
    assert all(np.array_equal(found[state], again[state]) for state in found)


def test_states_that_overlap_last_otherwise_once_filtered():
    model = far_apart(0.9)
    model.means_ = np.array([[-0.5, 0.0], [0.5, 0.0]])
    model._covars_ = np.ones((2, 2))
    found = dwell.simulated_runs(model, seed=1)
    # What is told from a noisy day is wrong now and then, which cuts runs in two.
    assert all(lengths.mean() < 8 for lengths in found.values())
