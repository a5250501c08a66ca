"""Figures of a validation, each from the tables that it writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mf_etl.plots.base import STYLE, caption, panels, plain_axis
from mf_etl.plots.palette import ACCENT, ANCHORS, FAINT, INK, state_colours

BASIS_POINTS = 1e4
NORMAL = 1.96
TESTED = 0.05
MOST_PATHS = 12
"""Pairs of states that paths are drawn of: those with most events."""

_LINES = {"long": ACCENT, "short": ANCHORS[1]}


@dataclass(frozen=True)
class About:
    """What every figure of a validation says of itself: data, view, and the days out of sample.

    `in_sample`: rows that the model was fitted on are among them, so that nothing is proved.
    """

    data: str
    view: str
    first: date | None
    last: date | None
    in_sample: bool = False

    def note(self, *parts: str) -> str:
        """View, period and what else there is to say."""
        kind = "in sample: proves nothing" if self.in_sample else "out of sample"
        period = f"{self.first} to {self.last}" if self.first else "none"
        return "; ".join([f"view: {self.view}", f"period: {period}, {kind}", *parts])


@STYLE
def state_intervals(state_outcomes: pl.DataFrame, about: About) -> Figure:
    """Mean outcome over the market of each state, with its 95 % interval by whole dates, by horizon.

    States whose mean differs from 0 beyond chance, given all states and horizons, are filled.
    """
    table = state_outcomes.filter(measure="xs").sort("h", "state")
    horizons = table["h"].unique(maintain_order=True).to_list()
    if not horizons:
        return _nothing("no state has an outcome", about)
    states = int(table["state"].to_numpy().max()) + 1
    figure, axes = panels(1, len(horizons), 2.2, 0.7 + 0.28 * states, sharey=True)
    for axis, h in zip(axes[0], horizons, strict=True):
        part = table.filter(h=h)
        _intervals(axis, part, states, _numbers(part, "p_stepdown") < TESTED)
        axis.set(title=f"{h} {'day' if h == 1 else 'days'}", xlabel="mean over market, bp")
    _states_down(axes[0, 0], states)
    rows = int(table.filter(h=horizons[0])["rows"].sum())
    note = about.note("lines: 95 % interval by whole dates", f"filled: adjusted p < {TESTED}")
    caption(figure, about.data, n=rows, note=note)
    return figure


@STYLE
def event_paths(paths: pl.DataFrame, summary: pl.DataFrame, about: About) -> Figure:
    """Mean return over the market, added up from the first day that could be traded, around changes.

    The pairs of states with most events; a band is the 95 % interval by whole dates. Days up to 0 are
    context: they were over when the change was known.
    """
    most = summary.sort(
        pl.col("events"), pl.col("prev"), pl.col("next"), descending=[True, False, False]
    )
    pairs = sorted(most.select("prev", "next").head(MOST_PATHS).rows())
    if not pairs:
        return _nothing("no state changed after a run that was long enough", about)
    columns = min(4, len(pairs))
    figure, axes = panels(-(-len(pairs) // columns), columns, 2.3, 1.7, sharex=True, sharey=True)
    states = int(max(summary["prev"].max(), summary["next"].max())) + 1  # type: ignore[type-var, arg-type]
    colours = state_colours(states)
    for axis, (prev, following) in zip(axes.flat, pairs, strict=False):
        part = paths.filter(prev=prev, next=following).sort("r")
        told = summary.filter(prev=prev, next=following).row(0, named=True)
        r, mean, low, high = (_numbers(part, name) for name in ("r", "caar", "lo", "hi"))
        axis.axvspan(r.min(), 0, color="#f4f4f4", linewidth=0)
        axis.axhline(0, color=FAINT, linewidth=0.6)
        axis.fill_between(r, BASIS_POINTS * low, BASIS_POINTS * high, color=colours[following],
                          alpha=0.35, linewidth=0)  # fmt: skip
        axis.plot(r, BASIS_POINTS * mean, color=INK, linewidth=1)
        p = told["p_stepdown"]
        tested = "not tested" if p is None else f"adjusted p {p:.2g}"
        axis.set_title(f"{prev} → {following}: {told['events']:,} events, {tested}", fontsize=7)
    for axis in axes.flat[len(pairs) :]:
        axis.axis("off")
    for axis in axes[-1]:
        axis.set_xlabel("day; from 1 on tradable")
    for axis in axes[:, 0]:
        axis.set_ylabel("over market, bp")
    shown = int(sum(summary.filter(prev=a, next=b)["events"].sum() for a, b in pairs))
    note = about.note("bands: 95 % interval by whole dates", _of_all(len(pairs), summary.height))
    caption(figure, about.data, n=shown, what="events", note=note)
    return figure


@STYLE
def placebo(table: pl.DataFrame, about: About, *, h: int) -> Figure:
    """Separation of the states beside that of the same labels on other days.

    `table` is of a placebo: draw 0 is the data, the others are shifted.
    """
    own = table.filter(draw=0)["separation"].drop_nulls()
    drawn = BASIS_POINTS * _numbers(
        table.filter(pl.col("draw") > 0).drop_nulls("separation"), "separation"
    )
    if own.is_empty() or not len(drawn):
        return _nothing("too few labelled rows to shift", about)
    value = BASIS_POINTS * float(own[0])
    beaten = int((drawn >= value).sum())
    figure, axes = panels(1, 1, 4.6, 2.2)
    axis = axes[0, 0]
    axis.hist(drawn, bins=min(40, max(5, len(drawn) // 12)), color=ANCHORS[2], edgecolor="white",
              linewidth=0.4)  # fmt: skip
    axis.axvline(value, color=ACCENT, linewidth=1.6)
    left = value > (drawn.min() + max(drawn.max(), value)) / 2
    axis.annotate(
        f"the data: {value:.1f} bp\np = {(1 + beaten) / (len(drawn) + 1):.3f}", (value, 0.93),
        xycoords=("data", "axes fraction"), xytext=(-4 if left else 4, 0), va="top",
        textcoords="offset points", ha="right" if left else "left", fontsize=8, color=ACCENT,
    )  # fmt: skip
    axis.set(
        xlabel=f"largest less smallest mean of the states, {h} days, bp",
        ylabel="shifts of all labels",
    )
    note = about.note("grey: labels rolled by a common number of rows")
    caption(figure, about.data, n=len(drawn), what="shifts", note=note)
    return figure


@STYLE
def folds(by_year: pl.DataFrame, about: About, *, h: int) -> Figure:
    """Mean outcome over the market of each state in each year of test, beside each other."""
    table = by_year.sort("year", "state")
    years = table["year"].unique(maintain_order=True).to_list()
    if not years:
        return _nothing("no year has been tested", about)
    states = int(table["state"].to_numpy().max()) + 1
    figure, axes = panels(1, len(years), 1.9, 0.7 + 0.28 * states, sharex=True, sharey=True)
    for axis, year in zip(axes[0], years, strict=True):
        part = table.filter(year=year)
        half = NORMAL * pl.col("se_block")
        part = part.rename({"mean_xs": "mean"}).with_columns(
            lo=pl.col("mean") - half, hi=pl.col("mean") + half
        )
        _intervals(axis, part, states, np.ones(part.height, dtype=np.bool_))
        for state, share in part.drop_nulls("share").select("state", "share").rows():
            axis.annotate(f"{100 * share:.0f} %", (1.01, state), xycoords=("axes fraction", "data"),
                          va="center", fontsize=6, color=FAINT)  # fmt: skip
        axis.set(title=str(year), xlabel="mean over market, bp")
    _states_down(axes[0, 0], states)
    note = about.note(
        f"{h} days from the next open", "lines: 95 % interval by whole dates", "%: share of rows"
    )
    caption(figure, about.data, n=int(table["rows"].sum()), note=note)
    return figure


@STYLE
def equity(daily: pl.DataFrame, about: About) -> Figure:
    """One unit of currency in each portfolio and in the market by the same rules, after costs."""
    known = daily.drop_nulls("active")
    sides = known["strategy"].unique(maintain_order=True).to_list()
    if not sides:
        return _nothing("no day could be traded", about)
    figure, axes = panels(2, len(sides), 4.4, 1.7, sharex=True, sharey="row",
                          gridspec_kw={"height_ratios": [2, 1]})  # fmt: skip
    for (above, below), side in zip(axes.T, sides, strict=True):
        part = known.filter(strategy=side)
        days = part["trade_date"].to_numpy()
        for column, colour, label in (
            ("market_net", FAINT, "market"),
            ("net", _LINES.get(side, INK), side),
        ):
            above.plot(
                days,
                np.cumprod(1 + _numbers(part, column)),
                color=colour,
                linewidth=1.1,
                label=label,
            )
        below.plot(days, part["names"].to_numpy(), color=INK, linewidth=0.6)
        for place in np.flatnonzero(np.diff(part["fold"].to_numpy())) + 1:
            for axis in (above, below):
                axis.axvline(days[place], color=FAINT, linewidth=0.5, linestyle=":")
        held = " (holds nothing)" if not part["names"].sum() else ""
        above.set_title(f"{side}{held}")
        above.legend(frameon=False, fontsize=7, loc="upper left")
        below.set_ylim(bottom=0)
        below.tick_params(axis="x", rotation=30)
    axes[0, 0].set_ylabel("one unit grows to")
    axes[1, 0].set_ylabel("names")
    n = known.filter(strategy=sides[0]).height
    note = about.note("after costs; dotted: another fit", "research, not advice")
    caption(figure, about.data, n=n, what="days", note=note)
    return figure


@STYLE
def capacity(table: pl.DataFrame, about: About) -> Figure:
    """What is left over the market, a day, by the size of the portfolio."""
    known = table.drop_nulls("net_active").sort("strategy", "aum")
    sides = known["strategy"].unique(maintain_order=True).to_list()
    if not sides:
        return _nothing("no portfolio could be traded", about)
    figure, axes = panels(1, 1, 4.6, 2.3)
    axis = axes[0, 0]
    axis.axhline(0, color=FAINT, linewidth=0.8)
    for side in sides:
        part, colour = known.filter(strategy=side), _LINES.get(side, INK)
        active = BASIS_POINTS * _numbers(part, "net_active")
        axis.plot(part["aum"].to_numpy(), active, "o-", color=colour, label=side, markersize=4)
        if (size := part["break_even_aum"][0]) is not None:
            axis.plot([size], [0], "D", color=colour, markersize=5)
            axis.annotate(f"0 at {_money(size)}", (size, 0), xytext=(5, 6), fontsize=7,
                          textcoords="offset points", color=colour)  # fmt: skip
    axis.set_xscale("log")
    sizes = known["aum"].unique().sort().to_list()
    axis.set_xticks(sizes, [_money(size) for size in sizes])
    axis.minorticks_off()
    axis.set(xlabel="size of the portfolio, currency", ylabel="mean over market, bp a day")
    axis.legend(frameon=False, fontsize=7)
    note = about.note("after costs, as the market beside it", "research, not advice")
    caption(figure, about.data, n=len(sizes), what="sizes", note=note)
    return figure


def _intervals(axis: Axes, part: pl.DataFrame, states: int, filled: NDArray[np.bool_]) -> None:
    """A dot and a line a state, in basis points."""
    mean, low, high = (BASIS_POINTS * _numbers(part, name) for name in ("mean", "lo", "hi"))
    places = part["state"].to_numpy()
    colours = np.array(state_colours(states))[places]
    axis.axvline(0, color=FAINT, linewidth=0.6)
    axis.hlines(places, low, high, color=INK, linewidth=1)
    faces = [colour if full else "white" for colour, full in zip(colours, filled, strict=True)]
    axis.scatter(mean, places, color=faces, edgecolors=INK, linewidths=0.8, zorder=3)
    axis.xaxis.set_major_locator(MaxNLocator(4))
    plain_axis(axis.xaxis)


def _states_down(axis: Axes, states: int) -> None:
    axis.set_yticks(range(states))
    axis.set_ylim(states - 0.5, -0.5)
    axis.set_ylabel("state")


def _of_all(shown: int, there: int) -> str:
    return "all pairs with an event" if shown == there else f"{shown} of {there} pairs, by events"


def _money(size: float) -> str:
    for unit, name in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size:.3g}"


def _numbers(table: pl.DataFrame, name: str) -> NDArray[np.float64]:
    return table.get_column(name).cast(pl.Float64).fill_null(np.nan).to_numpy()


def _nothing(why: str, about: About) -> Figure:
    """In place of a figure of which there is nothing to show."""
    figure, axes = panels(1, 1, 4.6, 1.0)
    axes[0, 0].axis("off")
    axes[0, 0].text(0.5, 0.5, why, ha="center", va="center")
    caption(figure, about.data, n=0, note=about.note())
    return figure
