"""The views that pages show: flow states and the labels of each named model, with names and colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from mf_etl.plots.palette import (
    FLOW_ORDER,
    NOISE,
    NOISE_ON_DARK,
    ON_DARK,
    flow_colours,
    state_colours,
)
from mf_etl.report.words import FLOW_NAMES, NO_LABEL, NOT_READY, state_names
from mf_etl.research.models.views import VIEWS, View

LABELS = {"clustering": "cluster_id", "hmm": "hmm_state"}
"""Column of labels of a profile, by research."""

FITTED_PERIODS = ("train", "all")
"""Periods of labelled rows that a model was fitted on; `all` is a run without a split."""


@dataclass(frozen=True)
class State:
    """A state as pages call and colour it, on light and on dark."""

    code: int
    name: str
    light: str
    dark: str


@dataclass(frozen=True)
class ShownView:
    """A way to label days: `states` are in order from supply to demand."""

    key: str
    name: str
    """As short as a label beside a strip."""
    told: str
    """What it is, for a reader."""
    seen: str
    """`past` or `whole sequence`."""
    states: tuple[State, ...]
    warning: str = ""

    def as_data(self) -> dict[str, Any]:
        """Plain values for a script."""
        return {
            "key": self.key,
            "name": self.name,
            "told": self.told,
            "hindsight": self.seen != "past",
            "warning": self.warning,
            "states": [[s.code, s.name, s.light, s.dark] for s in self.states],
        }


NOT_READY_STATE = State(NOT_READY, "not ready", NOISE, NOISE_ON_DARK)
NO_STATE = State(NO_LABEL, "no row", NOISE, NOISE_ON_DARK)

FLOW = ShownView(
    key="flow",
    name="flow",
    told="flow state (Event Grammar v1), known on the day",
    seen="past",
    states=tuple(
        State(code, FLOW_NAMES[code], flow_colours()[code], flow_colours(ON_DARK)[code])
        for code in FLOW_ORDER
    ),
)


def run_views(research: str, run: str, profile: pl.DataFrame) -> list[tuple[View, ShownView]]:
    """The views of a finished run, named by its profile; the past alone first.

    A state is named by the first period of the profile, which is the one that was fitted on.
    """
    label = LABELS[research]
    first = profile.filter(pl.col("view") == profile["view"][0]) if profile.height else profile
    first = first.filter(pl.col("period") == first["period"][0]) if first.height else first
    names = state_names(first, label)
    codes = sorted(code for code in names if code >= 0)
    light, dark = state_colours(max(len(codes), 1)), state_colours(max(len(codes), 1), ON_DARK)
    states = [State(c, names[c], light[i], dark[i]) for i, c in enumerate(codes)]
    if NOT_READY in names:
        states.append(State(NOT_READY, "noise", NOISE, NOISE_ON_DARK))
    found = []
    for view in VIEWS[research]:
        knows = "known on the day" if view.seen == "past" else "from the whole sequence: hindsight"
        found.append(
            (
                view,
                ShownView(
                    key=f"{research}/{run}/{view.name}",
                    name=view.name if view.seen != "past" else _short(research, run),
                    told=f"{view.name} state of {run}, {knows}",
                    seen=view.seen,
                    states=tuple(states),
                    warning=view.warning or "",
                ),
            )
        )
    return found


def _short(research: str, run: str) -> str:
    """What a strip of a run is called: its model, or its own name where that is short."""
    return {"clustering": "clusters", "hmm": "hmm"}.get(research, run)


def unique_names(views: Sequence[ShownView]) -> list[ShownView]:
    """The views with names that differ: a second run of a kind is called by its own name."""
    taken: dict[str, int] = {}
    found = []
    for view in views:
        taken[view.name] = taken.get(view.name, 0) + 1
        number = taken[view.name]
        name = view.name if number == 1 else f"{view.name} {number}"
        found.append(ShownView(**{**vars(view), "name": name}))
    return found
