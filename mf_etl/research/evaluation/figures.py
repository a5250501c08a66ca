"""Figures of an evaluation: one function each, for every model, view and period."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.patches
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mf_etl.plots.base import DEVIATIONS, STYLE, caption, matrix, panels, plain_axis, sides
from mf_etl.plots.palette import FAINT, INK, NOISE, state_colours
from mf_etl.research.counted import counted
from mf_etl.research.evaluation.evaluate import Evaluation
from mf_etl.research.evaluation.transitions import run_lengths
from mf_etl.research.models.canonical import NOISE as NO_LABEL
from mf_etl.research.models.views import View

TIMELINE_ROWS = 1_500
"""The last rows of a ticker that its timeline shows."""

Draw = Callable[[Evaluation, str], Figure]
"""From an evaluation and the name of the data."""


@STYLE
def sizes(found: Evaluation, data: str) -> Figure:
    """Share of rows of each label, known on the day, by period."""
    profile = found.profile.filter(view=_first(found).name)
    periods = profile["period"].unique(maintain_order=True).to_list()
    states = profile.filter(period=periods[0]).height
    figure, axes = panels(1, len(periods), 3.2, 0.26 * states, sharey=True)
    for axis, period in zip(axes[0], periods, strict=True):
        part = profile.filter(period=period)
        labels = part[found.groups.label_name]
        bars = axis.barh(
            [_name(label) for label in labels], 100 * part["share"].to_numpy(),
            color=[_colour(found, label) for label in labels],
        )  # fmt: skip
        axis.bar_label(bars, [f"{rows:,}" for rows in part["rows"]], padding=3, fontsize=7)
        axis.margins(x=0.25)
        axis.set(xlabel="% of rows", title=_side(part))
    axes[0, 0].invert_yaxis()
    axes[0, 0].set_ylabel("label")
    caption(figure, data, n=int(profile["rows"].sum()), note=f"view: {_first(found).name}")
    return figure


@STYLE
def profile_heatmap(found: Evaluation, data: str) -> Figure:
    """Feature means of each label: standard deviations of the period away from the mean of all."""
    profile = found.profile.filter(view=_first(found).name)
    features = [name.removesuffix("_mean") for name in _features(profile)]
    periods = profile["period"].unique(maintain_order=True).to_list()
    states = profile.filter(period=periods[0]).height
    figure, axes = panels(
        1, len(periods), 1.4 + 0.45 * states, 0.6 + 0.2 * len(features), sharey=True
    )
    for axis, period in zip(axes[0], periods, strict=True):
        part = profile.filter(period=period)
        scores = _scores(part, features)
        image = axis.imshow(scores.T, cmap=DEVIATIONS, vmin=-2, vmax=2, aspect="auto")
        for i, j in np.ndindex(scores.shape):
            if np.isfinite(scores[i, j]):
                axis.text(i, j, f"{scores[i, j]:z.1f}", ha="center", va="center", fontsize=6)
        axis.set_xticks(range(states), [_name(i) for i in part[found.groups.label_name]])
        axis.set(xlabel="label", title=_side(part))
    axes[0, 0].set_yticks(range(len(features)), features)
    figure.colorbar(image, ax=axes[0, -1], label="standard deviations", extend="both")
    caption(figure, data, n=int(profile["rows"].sum()), note=f"view: {_first(found).name}")
    return figure


@STYLE
def outcomes(found: Evaluation, data: str) -> Figure:
    """Mean outcome of each label with its 95 % interval by whole dates, by view and period."""
    views, intervals = found.groups.labelled.views, found.intervals
    periods = intervals["period"].unique(maintain_order=True).to_list()
    states = found.groups.labelled.states
    figure, axes = panels(
        len(views), len(periods), 2.6, 0.7 + 0.26 * states, sharex=True, sharey=True
    )
    for row, view in zip(axes, views, strict=True):
        for axis, period in zip(row, periods, strict=True):
            part = intervals.filter(view=view.name, period=period)
            mean, low, high = (1e4 * _numbers(part, name) for name in ("mean", "lo", "hi"))
            places = part[found.groups.label_name].to_numpy()
            axis.hlines(places, low, high, color=INK, linewidth=1)
            axis.scatter(mean, places, color=state_colours(states), edgecolors=INK, zorder=3)
            axis.axvline(0, color=FAINT, linewidth=0.6)
            seen = "" if view.seen == "past" else " (has seen the future)"
            axis.set_title(f"{view.name}{seen}, {_side(_of(found, view, period))}", fontsize=8)
            axis.set_yticks(range(states))
    axes[0, 0].set_ylim(states - 0.5, -0.5)
    for axis in axes[-1]:
        axis.set_xlabel(f"mean {intervals['outcome'][0]}, basis points")
    for axis in axes[:, 0]:
        axis.set_ylabel("label")
    n = int(intervals.filter(view=views[0].name)["rows"].sum())
    what = "rows that have the outcome"
    caption(figure, data, n=n, what=what, note="lines: 95 % interval by whole dates")
    return figure


@STYLE
def transitions(found: Evaluation, data: str) -> Figure:
    """How often each label is followed by each other: counted by view and period."""
    counts, states = found.tables["transition_counts"], found.groups.labelled.states
    views = [view.name for view in found.groups.labelled.views]
    periods = counts["period"].unique(maintain_order=True).to_list()
    size = 1.0 + 0.42 * states
    figure, axes = panels(len(views), len(periods), size + 0.4, size)
    for row, view in zip(axes, views, strict=True):
        for axis, period in zip(row, periods, strict=True):
            part = counts.filter(view=view, period=period)
            table = part.select(pl.col("^to_.*$")).to_numpy().astype(np.float64)
            total = table.sum(axis=1, keepdims=True)
            shares = np.divide(table, total, out=np.full_like(table, np.nan), where=total > 0)
            # To stay is much likelier than all else: colours tell the others apart.
            others = shares[~np.eye(states, dtype=bool)]
            top = float(np.nanmax(others)) if np.isfinite(others).any() else 1.0
            matrix(axis, shares, labels=[str(s) for s in range(states)], low=0.0, high=top or 1.0)
            axis.set_title(f"{view}, {_side(part)}", fontsize=8)
            axis.set(xlabel="to label", ylabel="from label")
    n = int(counts.filter(view=views[0]).select(pl.sum_horizontal("^to_.*$").sum()).item())
    caption(
        figure, data, n=n, what="steps", note="share of each row's steps; shades are of leaving"
    )
    return figure


@STYLE
def dwell(found: Evaluation, data: str) -> Figure:
    """Lengths of the runs of each label that were seen to their end, known on the day, by period."""
    view, states = _first(found).name, found.groups.labelled.states
    stats = found.tables["dwell_stats"].filter(view=view)
    periods = stats["period"].unique(maintain_order=True).to_list()
    figure, axes = panels(1, states, 1.7, 1.9, sharex=True, sharey=True)
    colours = state_colours(states)
    names = {period: _side(stats.filter(period=period)) for period in periods}
    every = found.tables["dwell_lengths"].filter(view=view)
    label = found.groups.label_name
    lengths = {
        names[period]: [
            run_lengths(every.filter((pl.col("period") == period) & (pl.col(label) == n)), "count")
            for n in range(states)
        ]
        for period in periods
    }
    n = sum(len(runs) for of_period in lengths.values() for runs in of_period)
    longest = max((runs.max(initial=1) for each in lengths.values() for runs in each), default=1)
    edges = 2.0 ** np.arange(int(np.log2(longest)) + 2)
    for place, of_period in enumerate(lengths.values()):
        for state, runs in enumerate(of_period):
            if len(runs):
                counts, _ = np.histogram(runs, bins=edges)
                look = _run_look(place) | ({} if place else {"facecolor": colours[state]})
                axes[0, state].stairs(100 * counts / len(runs), edges, **look)
    axes[0, 0].set_xscale("log", base=2)
    plain_axis(axes[0, 0].xaxis)
    for state, axis in enumerate(axes[0]):
        axis.set(title=f"label {state}", xlabel="days")
    axes[0, 0].set_ylabel("% of runs")
    handles = [
        matplotlib.patches.Patch(label=name, **_run_look(place))
        for place, name in enumerate(lengths)
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=4, frameon=False, fontsize=7)
    caption(figure, data, n=n, what="runs", note=f"view: {view}; runs cut off are left out")
    return figure


@STYLE
def timeline(found: Evaluation, data: str) -> Figure:
    """Close of the ticker with most rows over its labels by day, in every view."""
    labelled = found.groups.labelled
    rows = _longest(found)[-TIMELINE_ROWS:]
    prepared = labelled.prepared
    numbers = labelled.sequences.row_numbers()[rows]
    about = prepared.take(numbers, ["ticker", "trade_date", "close", "period"])
    days = about.get_column("trade_date").to_numpy()
    figure = Figure(figsize=(9.0, 3.4 + 0.35 * len(labelled.views)), layout="constrained")
    heights = [8, *(1 for _ in labelled.views)]
    price, *strips = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    price.plot(days, about.get_column("close").to_numpy(), color=INK, linewidth=0.8)
    price.set(ylabel="close", yscale="log", title=about.get_column("ticker")[0])
    plain_axis(price.yaxis)
    periods = about.get_column("period")
    for place in np.flatnonzero((periods != periods.shift(fill_value=periods[0])).to_numpy()):
        price.axvline(days[place], color=FAINT, linewidth=0.8, linestyle="--")
        price.annotate(
            f"{periods[int(place)]} →", (days[place], 0.02), xycoords=("data", "axes fraction"),
            xytext=(3, 0), textcoords="offset points", fontsize=7, color=INK,
        )  # fmt: skip
    for axis, view in zip(strips, labelled.views, strict=True):
        _strip(axis, days, labelled.labels[view.name][rows], labelled.states, view)
        axis.set_ylabel(view.name, rotation=0, ha="right", va="center")
    handles = [
        matplotlib.patches.Patch(color=colour, label=str(state))
        for state, colour in enumerate(state_colours(labelled.states))
    ]
    price.legend(handles=handles, title="label", ncols=8, frameon=False, fontsize=7)
    in_sample = dict(found.profile.select("period", "in_sample").iter_rows())
    shown = periods.unique(maintain_order=True)
    note = f"period: {sides({period: in_sample[period] for period in shown})}"
    if any(view.seen != "past" for view in labelled.views):
        note += "; hatched: has seen the future"
    caption(figure, data, n=len(rows), note=note)
    return figure


@STYLE
def without_labels(found: Evaluation, data: str) -> Figure:
    """In place of any figure of a run in which no row has a label."""
    figure, axes = panels(1, 1, 4.0, 1.0)
    axes[0, 0].axis("off")
    axes[0, 0].text(0.5, 0.5, "no row has a label: all are noise", ha="center", va="center")
    caption(figure, data, n=found.groups.labelled.rows)
    return figure


FIGURES: dict[str, Draw] = {
    "sizes": sizes,
    "profile_heatmap": profile_heatmap,
    "outcomes": outcomes,
    "transitions": transitions,
    "dwell": dwell,
    "timeline": timeline,
}
"""Every figure, by the name that the catalogue has for its file."""


def _longest(found: Evaluation) -> NDArray[np.int64]:
    """Numbers of the labelled rows of the ticker that has most of them, by their day."""
    labelled = found.groups.labelled
    names, _ = labelled.prepared.ticker_codes
    codes = labelled.ticker_codes
    rows = np.flatnonzero(codes == int(counted(codes, len(names)).argmax()))
    return rows[np.argsort(labelled.days[rows], kind="stable")]


def _strip(axes: Axes, days: NDArray[np.datetime64], labels: NDArray[np.int16], count: int,
           view: View) -> None:  # fmt: skip
    """A coloured bar for each run of one label."""
    starts = np.flatnonzero(np.diff(labels, prepend=NO_LABEL - 1) != 0)
    ends = np.append(starts[1:], len(labels) - 1)
    hatch = None if view.seen == "past" else "////"
    colours = dict(enumerate(state_colours(count))) | {NO_LABEL: NOISE}
    for label, colour in colours.items():
        runs = [
            (days[a], days[b] - days[a])
            for a, b in zip(starts, ends, strict=True)
            if labels[a] == label
        ]
        axes.broken_barh(runs, (0, 1), facecolors=colour, hatch=hatch, edgecolor="white",
                         linewidth=0)  # fmt: skip
    axes.set(yticks=[], ylim=(0, 1))
    axes.spines[:].set_visible(False)


def _scores(part: pl.DataFrame, features: Sequence[str]) -> NDArray[np.float64]:
    means, stds = (
        part.select(pl.col(f"{name}_{what}").fill_null(np.nan) for name in features).to_numpy()
        for what in ("mean", "std")
    )
    shares = part["share"].to_numpy()[:, None]
    centre = np.nansum(shares * means, axis=0)
    spread = np.sqrt(np.nansum(shares * (np.square(stds) + np.square(means - centre)), axis=0))
    scores: NDArray[np.float64] = (means - centre) / np.where(spread == 0, 1, spread)
    return scores


def _features(profile: pl.DataFrame) -> list[str]:
    return [n for n in profile.columns if n.endswith("_mean") and not n.startswith("fwd_")]


def _first(found: Evaluation) -> View:
    return found.groups.labelled.views[0]


def _of(found: Evaluation, view: View, period: str) -> pl.DataFrame:
    return found.profile.filter(view=view.name, period=period)


def _side(part: pl.DataFrame) -> str:
    """The period of a part of a profile, and whether it was fitted on."""
    in_sample = " (in-sample)" if part["in_sample"][0] else ""
    return f"{part['period'][0]}{in_sample}"


def _run_look(place: int) -> dict[str, Any]:
    """Of histograms of the period number `place`: the first filled, the others as lines."""
    if not place:
        return {"fill": True, "facecolor": FAINT, "edgecolor": "none"}
    line = ("-", "--", ":", "-.")[(place - 1) % 4]
    return {"fill": False, "edgecolor": INK, "linestyle": line}


def _numbers(part: pl.DataFrame, name: str) -> NDArray[np.float64]:
    return part[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _name(label: int) -> str:
    return "noise" if label == NO_LABEL else str(label)


def _colour(found: Evaluation, label: int) -> str:
    return NOISE if label == NO_LABEL else state_colours(found.groups.labelled.states)[label]
