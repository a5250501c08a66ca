"""States of one fold in the numbers of the fold before."""

from __future__ import annotations

import itertools

import numpy as np

from mf_etl.research.walk_forward.matching import (
    FARTHEST,
    first_states,
    match_states,
    renumbered,
    states_of,
)


def test_a_permutation_is_found():
    random = np.random.default_rng(0)
    for order in itertools.permutations(range(4)):
        means = 5 * random.normal(size=(4, 3))
        found = match_states(first_states(4), means, means[list(order)] + 0.01, np.ones(3), free=4)
        assert found.numbers.tolist() == list(order)
        assert np.allclose(found.distances, 0.01) and found.by == "hungarian"


def test_what_is_far_is_new_and_its_number_is_no_other():
    before = np.array([[0.0, 0.0], [10.0, 10.0]])
    means = np.array([[10.0, 10.0], [4.0, 4.0], [0.5, 0.5]])
    found = match_states(first_states(2), before, means, np.ones(2), free=7)
    assert found.numbers.tolist() == [1, 7, 0]
    assert np.isnan(found.distances[1]) and found.distances[2] == 0.5
    assert found.largest == 0.5


def test_distances_are_in_the_deviations_of_the_fold():
    before, means = np.array([[0.0, 0.0]]), np.array([[3.0, 0.0]])
    near = match_states(first_states(1), before, means, np.array([3.0, 1.0]), free=1)
    assert near.distances[0] == np.sqrt(0.5) < FARTHEST and near.numbers.tolist() == [0]
    far = match_states(first_states(1), before, means, np.array([2.0, 1.0]), free=1)
    assert far.numbers.tolist() == [1]


def test_numbers_go_on_from_fold_to_fold():
    first = match_states(
        first_states(2), np.array([[0.0], [9.0]]), np.array([[9.0], [0.0]]), np.ones(1), 2
    )
    means = np.array([[0.0], [9.0], [30.0]])
    second = match_states(first, np.array([[9.0], [0.0]]), means, np.ones(1), 2)
    assert second.numbers.tolist() == [0, 1, 2]
    assert states_of([first, second]) == 3 and states_of([]) == 0


def test_a_state_without_rows_matches_nothing():
    before = np.array([[0.0], [np.nan]])
    found = match_states(first_states(2), before, np.array([[np.nan], [0.1]]), np.ones(1), 2)
    assert found.numbers.tolist() == [2, 0]


def test_no_state_stays_none():
    assert renumbered(np.array([1, -1, 0]), np.array([5, 3], dtype=np.int16)).tolist() == [3, -1, 5]
