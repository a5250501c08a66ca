"""Ascents: when they have converged, which steps are kept, and that a step back is exact."""

from __future__ import annotations

import numpy as np
import pytest

from mf_etl.research.models.ascent import (
    Progress,
    ascend,
    of_covariances,
    of_probabilities,
    to_come,
    to_covariances,
    to_probabilities,
)


def test_what_is_to_come_by_hand():
    assert to_come([0.0, 8.0, 12.0]) == 4.0  # 2 + 1 + 1/2 + …
    assert to_come([0.0, 1.0, 2.0]) == to_come([0.0, 1.0, 3.0]) == np.inf
    assert to_come([-1e9, -1e9, -1e9 + 1e-7]) == 0.0
    assert to_come([0.0, -8.0, -12.0]) == 4.0


def test_small_gains_that_hardly_shrink_are_no_convergence():
    slow, fast = Progress(1_000, 1e-6), Progress(1_000, 1e-6)
    for step in range(50):
        slow.add(-5e3 - 2.0 * 0.9998**step)
        fast.add(-5e3 - 2.0 * 0.1**step)
    assert np.diff(slow.values)[-1] < 1e-3 and slow.to_come_per_row > 1e-3
    assert not slow.converged and fast.converged


def test_values_on_both_sides_of_a_jump_are_not_extrapolated():
    progress = Progress(1_000, 1e-6)
    progress.add(-10.0)
    progress.add(-9.0, jumped=True)
    progress.add(-9.0 + 1e-9)
    assert progress.to_be_judged and not progress.converged
    progress.add(-9.0 + 1.1e-9)
    assert progress.converged


class Parabola:
    """−x² − y² from (1, 1), by steps that shrink x and y at their own rates.

    ``height`` may lie about the points that steps jump to.
    """

    def __init__(self, rates=(0.9, 0.99), lies=0.0):
        self.point, self.rates, self.lies = np.ones(2), np.array(rates), lies
        self.been = []

    def iterate(self):
        value = -float(self.point @ self.point) - self.lies * (len(self.been) in (2, 5))
        self.been.append(self.point.copy())
        self.point = self.rates * self.point
        return value

    def parameters(self):
        return (self.point.copy(),)

    def restore(self, parameters):
        self.point = parameters[0].copy()

    def coordinates(self, parameters):
        return parameters[0]

    def at(self, coordinates, like):
        return (coordinates.copy(),)


def test_longer_steps_get_there_sooner_and_only_rise():
    plain, fast = Progress(1, 1e-9), Progress(1, 1e-9)
    slow = ascend(Parabola(), plain, 2_000, accelerate=False)
    quick = ascend(Parabola(), fast, 2_000, accelerate=True)
    assert plain.converged and fast.converged
    assert len(plain.values) == slow > 4 * quick
    assert np.diff(fast.values).min() > 0


def test_a_step_that_falls_is_taken_back_to_the_bit_and_costs_an_iteration():
    model, progress = Parabola(lies=1e9), Progress(1, 1e-9)
    assert ascend(model, progress, 6, accelerate=True) == 6
    assert len(progress.values) == 4
    plain = Parabola()
    for _ in range(4):
        plain.iterate()
    kept = [point for number, point in enumerate(model.been) if number not in (2, 5)]
    assert np.array_equal(kept, plain.been)
    assert np.array_equal(model.point, plain.point)


def test_plain_iterations_are_just_that():
    model, progress = Parabola(), Progress(1, 0.0)
    assert ascend(model, progress, 7, accelerate=False) == len(model.been) == 7
    assert np.array_equal(model.been[-1], model.rates * model.been[-2])


@pytest.mark.parametrize("matrices", (False, True))
def test_every_point_is_a_model(matrices):
    random = np.random.default_rng(0)
    factors = random.normal(size=(3, 4, 9))
    covariances = factors @ factors.transpose(0, 2, 1)
    if not matrices:
        covariances = np.diagonal(covariances, axis1=1, axis2=2)
    coordinates = of_covariances(covariances, matrices)
    np.testing.assert_allclose(to_covariances(coordinates, matrices), covariances, rtol=1e-12)
    anywhere = to_covariances(coordinates + random.normal(size=coordinates.shape), matrices)
    assert (np.linalg.eigvalsh(anywhere) if matrices else anywhere).min() > 0
    chances = np.array([[0.2, 0.8, 0.0], [1.0, 0.0, 0.0]])
    roots = of_probabilities(chances)
    np.testing.assert_allclose(to_probabilities(roots), chances, rtol=1e-15)
    moved = to_probabilities(roots * [2.0, -0.5, 9.0])
    np.testing.assert_allclose(moved.sum(axis=1), 1.0)
    assert moved[0, 2] == 0.0 and (moved >= 0).all()
