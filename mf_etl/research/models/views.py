"""What a column of labels has seen: declared once, asked by everything that tells outcomes by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HINDSIGHT = "hindsight_"
"""Columns that come from the whole sequence begin with this."""

WHY_VIEWS_DIFFER = (
    "Outcomes by a hindsight state could not be earned: its path is chosen with the whole sequence in "
    "sight, so a day gets its state in the light of the days after it, whose returns are the outcome. "
    "The plain columns are what was known on the day."
)


@dataclass(frozen=True)
class View:
    """A way to label rows."""

    name: str
    """As tables and figures call it."""
    column: str
    """Of the labelled rows, its labels."""
    seen: Literal["past", "whole sequence"]
    """What a label rests on: the row and those before it, or the days after it too."""
    warning: str | None = None
    """What is told wherever outcomes are told by it; None if they may be told without."""


CLUSTER = View("cluster", "cluster_id", "past")
FILTERED = View("filtered", "hmm_state", "past")
HINDSIGHT_PATH = View("hindsight", f"{HINDSIGHT}hmm_state", "whole sequence", WHY_VIEWS_DIFFER)

VIEWS = {"clustering": (CLUSTER,), "hmm": (FILTERED, HINDSIGHT_PATH)}
"""By research: what its labelled rows hold. The first has seen the past alone."""
