"""The one palette of states: diverging, from supply (orange) over quiet (grey) to demand (blue).

Safe for colour-blind eyes, and lightness falls in order, so that states keep their order in grey
print. Pages have a second set for dark screens, in the same order, whose darkest blue can still be
seen. Imports nothing: pages and figures read it.
"""

from __future__ import annotations

SUPPLY, QUIET, DEMAND = "#f9ae4e", "#969696", "#0b3d82"
ANCHORS = (SUPPLY, "#dd8f48", QUIET, "#4f7fb8", DEMAND)
"""From the most supply-like to the most demand-like, evenly spaced."""

ON_DARK = ("#ffdca8", "#f0a45c", "#a9adb3", "#7da7e0", "#3f7fd9")
"""The same on a dark page."""

FLOW_ORDER = (4, 3, 0, 1, 2)
"""Codes of the flow states from supply to demand."""

NOISE, NOISE_ON_DARK = "#d2d5d9", "#4b535e"
"""Of rows that have no state."""

INK, FAINT, ACCENT = "#222222", "#999999", "#0b3d82"
"""Of lines and text; of axes that matter little; of the one thing that a figure shows."""


def state_colours(states: int, anchors: tuple[str, ...] = ANCHORS) -> list[str]:
    """A colour (``#rrggbb``) for each of `states` states in canonical order; one state is grey."""
    if states == 1:
        return [anchors[len(anchors) // 2]]
    return [blend(state / (states - 1), anchors) for state in range(states)]


def flow_colours(anchors: tuple[str, ...] = ANCHORS) -> list[str]:
    """A colour for each flow state, by its code."""
    colours = state_colours(len(FLOW_ORDER), anchors)
    return [colours[FLOW_ORDER.index(code)] for code in range(len(FLOW_ORDER))]


def blend(place: float, anchors: tuple[str, ...] = ANCHORS) -> str:
    """The colour at `place`, 0 (supply) to 1 (demand), between the two anchors beside it."""
    scaled = min(max(place, 0.0), 1.0) * (len(anchors) - 1)
    left = min(int(scaled), len(anchors) - 2)
    share = scaled - left
    one, other = (_channels(colour) for colour in anchors[left : left + 2])
    mixed = (round(a + share * (b - a)) for a, b in zip(one, other, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def lightness(colour: str) -> float:
    """L* of CIELAB (CIE 1976), 0 (black) to 100 (white), of an sRGB colour."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in _channels(colour))
    ]
    luminance: float = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    if luminance <= (6 / 29) ** 3:
        return luminance * (29 / 3) ** 3
    return 116.0 * float(luminance ** (1 / 3)) - 16.0


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
