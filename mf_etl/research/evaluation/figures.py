"""What all figures have in common: small SVG files; the same table gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mf_etl.io import replacing

COLOUR, HIGHLIGHT = "#4477aa", "#222222"
STYLE = matplotlib.style.context(
    [
        "default",
        {
            # Text stays text: small files, and labels can be searched and read aloud.
            "svg.fonttype": "none",
            "svg.hashsalt": "mf_etl",
            "font.family": "DejaVu Sans",
            "font.size": 9.0,
            "axes.spines.top": False,
            "axes.spines.right": False,
        },
    ]
)
"""Of every figure, over what the user's own settings of matplotlib say."""


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of so many inches with one pair of axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def save(figure: Figure, path: Path) -> None:
    """Write the figure as SVG, without date or version."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})


@STYLE
def write_ari_matrix(seeds: Sequence[int], ari: np.ndarray, path: Path) -> None:
    """Adjusted Rand index of each pair of seeds, shape (seeds, seeds)."""
    figure, axes = new_figure(1.8 + 0.3 * len(seeds), 1.0 + 0.3 * len(seeds))
    image = axes.imshow(ari, cmap="Blues", vmin=0, vmax=1)
    for ticks in (axes.set_xticks, axes.set_yticks):
        ticks(range(len(seeds)), [str(seed) for seed in seeds])
    axes.set(xlabel="seed", ylabel="seed")
    figure.colorbar(image, ax=axes, label="ARI")
    save(figure, path)
