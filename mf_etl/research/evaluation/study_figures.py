"""Figures of sweeps and of stability studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mf_etl.plots.base import STYLE, caption, matrix, panels, sides
from mf_etl.plots.palette import ACCENT, state_colours


@STYLE
def agreement(
    seeds: Sequence[int],
    ari: NDArray[np.float64],
    data: str,
    *,
    view: str,
    in_sample: Mapping[str, bool],
) -> Figure:
    """Adjusted Rand index of each pair of seeds, shape (seeds, seeds), over all labelled rows.

    `in_sample` tells of each period that has such rows whether it was fitted on.
    """
    side = 0.8 + 0.34 * len(seeds)
    figure, axes = panels(1, 1, side, side)
    image = matrix(axes[0, 0], ari, labels=[str(seed) for seed in seeds], low=0.0, high=1.0)
    axes[0, 0].set(xlabel="seed", ylabel="seed")
    figure.colorbar(image, ax=axes[0, 0], label="ARI")
    note = f"view: {view}; period: {sides(in_sample)}"
    caption(figure, data, n=len(seeds), what="seeds that converged", note=note)
    return figure


@STYLE
def sweep(table: pl.DataFrame, x: str, lines: str, curves: Sequence[str], data: str) -> Figure:
    """Each of `curves` over `x`, one line for each value of `lines`; failed cells are left out."""
    done = table.filter(status="ok").drop_nulls(x)
    shown = [name for name in curves if done[name].count()] or [curves[0]]
    figure, axes = panels(1, len(shown), 3.1, 2.2)
    names = done[lines].unique(maintain_order=True).to_list()
    colours = dict(zip(names, state_colours(len(names)), strict=True)) if names[1:] else {}
    for axis, curve in zip(axes[0], shown, strict=True):
        for (name,), part in done.drop_nulls(curve).group_by(lines, maintain_order=True):
            part = part.sort(x)
            axis.plot(part[x].to_numpy(), part[curve].to_numpy(), "o-", label=str(name),
                      color=colours.get(name, ACCENT))  # fmt: skip
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set(xlabel=x, ylabel=curve)
    if done[lines].n_unique() > 1:
        axes[0, 0].legend(frameon=False, fontsize=7)
    note = "test_… is of the test period, all else of the rows fitted on (in-sample)"
    caption(figure, data, n=done.height, what="cells", note=note)
    return figure
