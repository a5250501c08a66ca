"""What all figures have in common: small SVG files; the same table gives the same bytes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.scale import LogTransform
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import NDArray

from mf_etl.io import replacing
from mf_etl.plots.palette import ANCHORS, FAINT

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

DEVIATIONS = LinearSegmentedColormap.from_list("deviations", [ANCHORS[1], "#ffffff", ANCHORS[3]])
"""Orange below, white at none, blue above: light enough for black numbers in every cell."""

PLAIN = LinearSegmentedColormap.from_list("plain", ["#ffffff", ANCHORS[-1]])
LETTERS_AN_INCH = 18
"""Of a caption."""

NUMBERS_UP_TO = 12
"""A matrix of at most so many rows has its numbers in its cells."""


def panels(
    rows: int, columns: int, width: float, height: float, **shared: Any
) -> tuple[Figure, NDArray[Any]]:
    """A figure of so many panels, each so many inches wide and high: axes of shape (rows, columns)."""
    size = (width * columns + 0.8, height * rows + 0.9)
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def caption(figure: Figure, data: str, *, n: int, what: str = "rows", note: str = "") -> None:
    """Below the figure: data, and how many rows (or what else) it shows; in lines as wide as it is."""
    parts = [f"data: {data}", f"n = {n:,} {what}", *([note] if note else [])]
    wide = int(figure.get_figwidth() * LETTERS_AN_INCH)
    text = textwrap.fill(" · ".join(parts), wide, break_long_words=False, break_on_hyphens=False)
    figure.supxlabel(text, fontsize=7, color=FAINT)


def sides(in_sample: Mapping[str, bool]) -> str:
    """Periods in words, and which of them were fitted on."""
    return ", ".join(f"{p} (in-sample)" if fitted else p for p, fitted in in_sample.items())


def plain_axis(axis: Any) -> None:
    """Plain numbers on an axis; on one of logarithms to 10 at 1, 2 and 5."""
    if isinstance(axis.get_transform(), LogTransform) and axis.get_transform().base == 10:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def matrix(
    axes: Axes,
    values: NDArray[np.floating[Any]],
    *,
    labels: Sequence[str],
    low: float,
    high: float,
    form: str = "{:.2f}",
) -> Any:
    """A square matrix with numbers in its cells where it is small; NaN is left white."""
    image = axes.imshow(values, cmap=PLAIN, vmin=low, vmax=high)
    for ticks in (axes.set_xticks, axes.set_yticks):
        ticks(range(len(labels)), labels)
    if len(values) <= NUMBERS_UP_TO:
        for i, j in np.ndindex(values.shape):
            dark = values[i, j] > low + 0.55 * (high - low)
            text = form.format(values[i, j]) if np.isfinite(values[i, j]) else ""
            axes.text(j, i, text, ha="center", va="center", color="white" if dark else "black",
                      fontsize=7)  # fmt: skip
    return image


@STYLE
def save(figure: Figure, path: Path) -> None:
    """Write the figure as SVG, without date or version.

    In the style, too: text and the names of what is clipped are settled when it is written.
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
