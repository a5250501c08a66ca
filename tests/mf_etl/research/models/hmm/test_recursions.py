"""Forward, backward, filter and Viterbi passes against plain Python and hmmlearn's log space."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hmmlearn import _hmmc
from scipy.special import logsumexp

from mf_etl.research.models.hmm import recursions
from mf_etl.research.models.hmm.recursions import expectations, filtered, viterbi

START = np.array([0.7, 0.2, 0.1])
STEPS = np.array([[0.9, 0.06, 0.04], [0.1, 0.8, 0.1], [0.05, 0.15, 0.8]])
NO_WAY_BACK = np.array([[0.5, 0.5, 0.0], [0.0, 0.6, 0.4], [0.0, 0.0, 1.0]])


def densities(seed, rows, scale=1.0):
    return scale * np.random.default_rng(seed).normal(size=(rows, 3))


def by_hmmlearn(density, start, steps):
    """Log-likelihood, posteriors and expected steps of one sequence in log space."""
    with np.errstate(divide="ignore"):
        log_likelihood, alpha = _hmmc.forward_log(start, steps, density)
        beta = _hmmc.backward_log(start, steps, density)
        counts = np.exp(_hmmc.compute_log_xi_sum(alpha, steps, beta, density))
    both = alpha + beta
    return log_likelihood, np.exp(both - logsumexp(both, axis=1, keepdims=True)), counts


def filtered_plainly(density, start, steps):
    """Bayes' rule day by day on Python floats, in logarithms."""
    found = []
    predicted = np.log(np.maximum(start, 1e-323))
    with np.errstate(divide="ignore"):
        log_steps = np.log(steps)
    for row in density:
        joint = predicted + row
        joint = joint - logsumexp(joint)
        found.append(np.exp(joint))
        predicted = logsumexp(joint[:, None] + log_steps, axis=0)
    return np.array(found)


def check(density, bounds, start, steps):
    found = expectations(density, np.asarray(bounds), start, steps)
    total, starts, counts = 0.0, np.zeros(3), np.zeros((3, 3))
    for begin, end in pairwise(bounds):
        log_likelihood, posteriors, steps_found = by_hmmlearn(density[begin:end], start, steps)
        np.testing.assert_allclose(found.posteriors[begin:end], posteriors, rtol=0, atol=1e-10)
        total += log_likelihood
        starts += posteriors[0]
        counts += steps_found if end - begin > 1 else 0.0
    assert found.log_likelihood == pytest.approx(total, rel=1e-12)
    np.testing.assert_allclose(found.start, starts, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.transitions, counts, rtol=0, atol=1e-8)
    return found.in_log_space


def test_expectations_equal_log_space():
    assert check(densities(0, 700, 3.0), [0, 1, 2, 400, 699, 700], START, STEPS) == 0


def test_a_row_that_no_reachable_state_explains_is_done_in_log_space():
    density = densities(1, 300)
    density[150] = (0.0, -900.0, -900.0)  # Only state 0 fits, and it was left for good.
    density[140] = (-800.0, 0.0, -800.0)
    assert check(density, [0, 100, 200, 300], START, NO_WAY_BACK) == 1


def test_a_path_that_is_lost_without_any_improbable_row_is_done_in_log_space():
    """State 0 falls behind by e⁻⁸⁰⁰ on one row, and comes back by e³ a row: no row is improbable."""
    density = np.zeros((600, 3))
    density[100] = (-800.0, 0.0, 0.0)
    density[101:500, 1:] = -3.0
    steps = np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.4], [0.0, 0.3, 0.7]])
    assert check(density, [0, 600], START, steps) == 1
    probabilities = filtered(density, np.array([0, 600]), START, steps)
    np.testing.assert_allclose(
        probabilities, filtered_plainly(density, START, steps), rtol=0, atol=1e-10
    )
    assert probabilities[200, 0] < 1e-100 and probabilities[-1, 0] > 0.999


def test_one_lost_sequence_leaves_the_others_as_they_are():
    density = densities(2, 400)
    density[250] = (-900.0, 0.0, -900.0)
    density[260] = (0.0, -900.0, -900.0)
    assert check(density, [0, 200, 300, 400], START, NO_WAY_BACK) == 1


@pytest.mark.parametrize("steps", (STEPS, NO_WAY_BACK))
def test_filtered_equals_a_plain_forward_pass(steps):
    density = densities(3, 500, 4.0)
    density[250] = (0.0, -900.0, -900.0)
    bounds = np.array([0, 1, 180, 500])
    found = filtered(density, bounds, START, steps)
    for begin, end in pairwise(bounds):
        plain = filtered_plainly(density[begin:end], START, steps)
        np.testing.assert_allclose(found[begin:end], plain, rtol=0, atol=1e-10)


@pytest.mark.parametrize("steps", (STEPS, NO_WAY_BACK))
def test_rows_that_follow_change_no_bit_of_filtered_rows(steps):
    """Not even where scaling fails later on, or digits have been lost before."""
    density = densities(7, 600, 4.0)
    density[200:260, 0] -= 12.0
    density[400] = (0.0, -900.0, -900.0)
    whole = filtered(density, np.array([0, 600]), START, steps)
    for rows in (1, 199, 230, 399, 400, 401, 402, 599):
        part = filtered(density[:rows], np.array([0, rows]), START, steps)
        assert part.tobytes() == whole[:rows].tobytes()


def test_each_sequence_has_its_own_start():
    density, bounds = densities(8, 90), np.array([0, 30, 60, 90])
    density[70] = (0.0, -900.0, -900.0)
    starts = np.array([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5], [0.1, 0.1, 0.8]])
    found = expectations(density, bounds, starts, NO_WAY_BACK)
    known, path = (of(density, bounds, starts, NO_WAY_BACK) for of in (filtered, viterbi))
    for start, begin, end in zip(starts, bounds[:-1], bounds[1:], strict=True):
        own, whole = density[begin:end], np.array([0, end - begin])
        alone = expectations(own, whole, start, NO_WAY_BACK)
        assert found.posteriors[begin:end].tobytes() == alone.posteriors.tobytes()
        assert found.by_row[begin:end].tobytes() == alone.by_row.tobytes()
        assert known[begin:end].tobytes() == filtered(own, whole, start, NO_WAY_BACK).tobytes()
        assert np.array_equal(path[1][begin:end], viterbi(own, whole, start, NO_WAY_BACK)[1])


def test_densities_by_row_are_of_each_row_given_those_before():
    density = densities(9, 40)
    density[20] = (0.0, -900.0, -900.0)
    density[10] = (-800.0, 0.0, -800.0)
    whole = expectations(density, np.array([0, 40]), START, NO_WAY_BACK)
    for rows in (1, 9, 20, 21, 39):
        before = expectations(density[:rows], np.array([0, rows]), START, NO_WAY_BACK)
        assert whole.by_row[:rows].sum() == pytest.approx(before.log_likelihood, rel=1e-12)


def test_every_sequence_could_be_done_in_log_space(monkeypatch):
    """Both ways give the same."""
    density, bounds = densities(4, 300), np.array([0, 120, 300])
    scaled = filtered(density, bounds, START, STEPS)
    monkeypatch.setattr(recursions, "_filtered", lambda *a: np.copyto(a[-1], bounds[:-1]))
    logs = filtered(density, bounds, START, STEPS)
    np.testing.assert_allclose(scaled, logs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", (STEPS, NO_WAY_BACK))
def test_viterbi_is_the_path_of_hmmlearn(steps):
    density = densities(5, 2000, 2.0)
    bounds = np.array([0, 1, 2, 1000, 2000])
    log_probability, path = viterbi(density, bounds, START, steps)
    total = 0.0
    with np.errstate(divide="ignore"):
        for begin, end in pairwise(bounds):
            probability, expected = _hmmc.viterbi(START, steps, density[begin:end])
            assert np.array_equal(path[begin:end], expected)
            total += probability
    assert log_probability == pytest.approx(total, rel=1e-12)


def test_viterbi_ties_go_where_hmmlearn_sends_them():
    """Rounded densities and equal probabilities tie on almost every row."""
    density = np.round(densities(6, 500))
    even = np.full(3, 1 / 3)
    _, expected = _hmmc.viterbi(even, np.tile(even, (3, 1)), density)
    _, path = viterbi(density, np.array([0, 500]), even, np.tile(even, (3, 1)))
    assert np.array_equal(path, expected)
