"""The palette: lightness in order, from orange over grey to blue, apart for colour-blind eyes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mf_etl.plots.palette import DEMAND, QUIET, SUPPLY, lightness, state_colours

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
BLIND = {
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("states", range(2, 13))
def test_lightness_falls_in_order(states):
    """So that states keep their order in grey print."""
    shades = [lightness(colour) for colour in state_colours(states)]
    steps = -np.diff(shades)
    assert (steps > 0).all() and shades[0] > 75 and shades[-1] < 35


def test_ends_and_middle():
    assert state_colours(1) == [QUIET]
    assert state_colours(3) == [SUPPLY, QUIET, DEMAND]
    red, _, blue = (int(SUPPLY[i : i + 2], 16) for i in (1, 3, 5))
    assert red > blue + 100
    red, _, blue = (int(DEMAND[i : i + 2], 16) for i in (1, 3, 5))
    assert blue > red + 100


@pytest.mark.parametrize("eyes", BLIND)
@pytest.mark.parametrize("states", [3, 5, 7])
def test_states_are_apart_for_colour_blind_eyes(eyes, states):
    seen = [np.clip(np.array(BLIND[eyes]) @ linear(c), 0, 1) for c in state_colours(states)]
    # The cube root is near to how light is felt.
    apart = [np.linalg.norm(np.cbrt(a) - np.cbrt(b)) for a, b in itertools.combinations(seen, 2)]
    assert min(apart) > 0.08


def test_lightness_by_hand():
    assert lightness("#ffffff") == pytest.approx(100) and lightness("#000000") == 0
    assert lightness("#777777") == pytest.approx(50.0, abs=0.1)
