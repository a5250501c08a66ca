"""Figures of hidden Markov models as small SVG files; the same table gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mf_etl.research.evaluation.figures import COLOUR, HIGHLIGHT, STYLE, new_figure, save
from mf_etl.research.evaluation.state_profiles import VIEWS

TIMELINE_ROWS = 1_500
"""The last rows of a ticker that its timeline shows."""

VIEW_COLOURS = {"viterbi": HIGHLIGHT, "filtered": COLOUR}


@STYLE
def write_state_timeline(rows: pl.DataFrame, states: int, path: Path) -> None:
    """Close of one ticker over its states by day: what was known on the day, and in hindsight."""
    rows = rows.tail(TIMELINE_ROWS)
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    price, *strips = figure.subplots(3, 1, sharex=True, height_ratios=[8, 1, 1])
    days = rows.get_column("trade_date").to_numpy()
    price.plot(days, rows.get_column("close").to_numpy(), color=HIGHLIGHT, linewidth=0.8)
    ticker = rows.get_column("ticker")[0]
    price.set(ylabel="close", yscale="log", title=f"{ticker}: price and states")
    for axes, (view, column) in zip(strips, VIEWS.items(), strict=True):
        _strip(axes, days, rows.get_column(column).to_numpy(), states)
        axes.set_ylabel(view, rotation=0, ha="right", va="center")
    handles = [
        matplotlib.patches.Patch(color=colour, label=str(state))
        for state, colour in enumerate(_colours(states))
    ]
    price.legend(handles=handles, title="state", ncols=states, frameon=False, loc="upper left")
    save(figure, path)


@STYLE
def write_transition_matrix(matrix: np.ndarray, path: Path) -> None:
    """Probability of each step from state (row) to state (column)."""
    states = len(matrix)
    figure, axes = new_figure(1.8 + 0.5 * states, 1.2 + 0.45 * states)
    image = axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(matrix.shape):
        colour = "white" if matrix[i, j] > 0.6 else "black"
        axes.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", color=colour, fontsize=7)
    axes.set_xticks(range(states))
    axes.set_yticks(range(states))
    axes.set(xlabel="to state", ylabel="from state")
    figure.colorbar(image, ax=axes, label="probability a day")
    save(figure, path)


@STYLE
def write_dwell_histograms(lengths: Sequence[np.ndarray], path: Path) -> None:
    """Lengths in days of the runs of each state that ended within their sequence."""
    figure = Figure(figsize=(2.0 * len(lengths) + 0.5, 2.4), layout="constrained")
    panels = figure.subplots(1, len(lengths), squeeze=False)[0]
    for state, (axes, of_state) in enumerate(zip(panels, lengths, strict=True)):
        if len(of_state):
            edges = np.unique(np.geomspace(1, of_state.max() + 1, 16).round())
            counts, _ = np.histogram(of_state, bins=edges)
            axes.stairs(counts, edges, fill=True, color=COLOUR)
            axes.set_xscale("log")
        axes.set(title=f"state {state}", xlabel="days")
    panels[0].set_ylabel("runs")
    save(figure, path)


@STYLE
def write_forward_returns(profile: pl.DataFrame, outcome: str, path: Path) -> None:
    """Mean of an outcome by state in both views of a `state_profile`, with its standard error."""
    figure, axes = new_figure(5.5, 3.0)
    for place, (view, colour) in enumerate(VIEW_COLOURS.items()):
        part = profile.filter(view=view)
        mean, std, n = (
            part.get_column(f"{outcome}_{what}").cast(pl.Float64).fill_null(np.nan).to_numpy()
            for what in ("mean", "std", "n")
        )
        error = np.divide(std, np.sqrt(n), out=np.full_like(std, np.nan), where=n > 0)
        states = part.get_column("hmm_state").to_numpy() + 0.2 * (2 * place - 1)
        axes.errorbar(
            states, 100 * mean, 100 * error, fmt="o", color=colour, label=view, capsize=2
        )  # fmt: skip
    axes.axhline(0, color="#999999", linewidth=0.6)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="state", ylabel=f"mean {outcome}, %")
    axes.legend(frameon=False, title="states by")
    save(figure, path)


@STYLE
def write_sweep(table: pl.DataFrame, path: Path) -> None:
    """Log-likelihood a row and information criteria a row by number of states."""
    figure = Figure(figsize=(7.0, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    done = table.filter(status="ok").sort("n_components")
    states = done.get_column("n_components").to_numpy()
    for side in ("train", "test"):
        values = done.get_column(f"log_likelihood_per_row_{side}").fill_null(np.nan).to_numpy()
        left.plot(states, values, "o-", label=side)
    rows = done.get_column("train_rows").to_numpy()
    for name in ("aic", "bic", "icl"):
        right.plot(states, done.get_column(name).to_numpy() / rows, "o-", label=name.upper())
    left.set(xlabel="states", ylabel="log-likelihood a row")
    right.set(xlabel="states", ylabel="criterion a row (lower is better)")
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.xaxis.get_major_locator().set_params(integer=True)
    save(figure, path)


def _strip(axes: Axes, days: np.ndarray, states: np.ndarray, count: int) -> None:
    """A coloured bar for each run of one state."""
    starts = np.flatnonzero(np.diff(states, prepend=-1) != 0)
    ends = np.append(starts[1:], len(states) - 1)
    for state, colour in enumerate(_colours(count)):
        runs = [
            (days[a], days[b] - days[a])
            for a, b in zip(starts, ends, strict=True)
            if states[a] == state
        ]
        axes.broken_barh(runs, (0, 1), color=colour)
    axes.set(yticks=[], ylim=(0, 1))
    axes.spines[:].set_visible(False)


def _colours(states: int) -> list[str]:
    """From supply to demand: red over grey to green, as the states are ordered."""
    shades = matplotlib.colormaps["RdYlGn"](np.linspace(0.08, 0.92, states))
    return [matplotlib.colors.to_hex(shade) for shade in shades]
