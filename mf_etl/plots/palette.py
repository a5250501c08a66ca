"""The one palette of states: diverging, from supply (orange) over quiet (grey) to demand (blue).

Safe for colour-blind eyes, and lightness falls in order, so that states keep their order in grey
print. Imports nothing: pages and figures read it.
"""

from __future__ import annotations

SUPPLY, QUIET, DEMAND = "#ffc078", "#969696", "#0b3d82"
ANCHORS = (SUPPLY, "#e0954f", QUIET, "#4f7fb8", DEMAND)
"""From the most supply-like to the most demand-like, evenly spaced."""

NOISE = "#e6e6e6"
"""Of rows that have no state."""

INK, FAINT, ACCENT = "#222222", "#999999", "#0b3d82"
"""Of lines and text; of axes that matter little; of the one thing that a figure shows."""


def state_colours(states: int) -> list[str]:
    """A colour (``#rrggbb``) for each of `states` states in canonical order; one state is grey."""
    if states == 1:
        return [QUIET]
    return [blend(state / (states - 1)) for state in range(states)]


def blend(place: float) -> str:
    """The colour at `place`, 0 (supply) to 1 (demand), between the two anchors beside it."""
    scaled = min(max(place, 0.0), 1.0) * (len(ANCHORS) - 1)
    left = min(int(scaled), len(ANCHORS) - 2)
    share = scaled - left
    one, other = (_channels(colour) for colour in ANCHORS[left : left + 2])
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
