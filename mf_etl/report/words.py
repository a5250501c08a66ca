"""Words of the pages, once: numbers, dates, counts and states as people read them."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import polars as pl

from mf_etl.schemas.gold_events import FLOW_STATES

NOT_READY, NO_LABEL = -1, -2
"""Codes beside those of states: the indicator is not defined yet (or noise); no row of this day."""

FLOW_NAMES = {
    code: label[:2] + " " + label[3:].lower().replace("_", " ")
    for code, label in FLOW_STATES.items()
}

# Mean TMF of a state from which its flow has a direction, and from which it is strong.
_FLOW, _STRONG = 0.03, 0.12
# Mean activity of a state over that of all rows: less is calm, more is busy.
_CALM, _BUSY = 0.8, 1.25


def state_names(profile: pl.DataFrame, label: str) -> dict[int, str]:
    """Name of each label of one view and period of a profile: its number and what it is like.

    `label` names the column of labels; −1 is noise. The words come from the mean TMF of a state
    (below 0.03 in magnitude balanced, from 0.12 strong) and from its mean flow activity over that of
    all rows (below 0.8 calm, above 1.25 busy). A profile without these features gives numbers alone.
    """
    return {
        row[label]: "noise"
        if row[label] < 0
        else " · ".join(
            part for part in (str(row[label]), ", ".join(_likeness(row, profile))) if part
        )
        for row in profile.to_dicts()
    }


def _likeness(row: dict[str, Any], profile: pl.DataFrame) -> list[str]:
    flow, activity = row.get("tmf_21_mean"), row.get("flow_activity_20_mean")
    found = []
    if flow is not None:
        way = "inflow" if flow > 0 else "outflow"
        strength = "strong " if abs(flow) >= _STRONG else ""
        found.append("balanced" if abs(flow) < _FLOW else strength + way)
    if activity is not None:
        known = profile.filter(pl.col("flow_activity_20_mean").is_not_null())
        total = float((known["flow_activity_20_mean"] * known["rows"]).sum())
        mean = total / max(int(known["rows"].sum()), 1)
        ratio = activity / mean if mean else 1.0
        found += ["calm"] if ratio < _CALM else ["busy"] if ratio > _BUSY else []
    return found


def count(value: int | None) -> str:
    """A whole number with commas; a dash for none."""
    return "–" if value is None else f"{value:,}"


def short(value: float | None) -> str:
    """A large count in four characters or so: `20.3 M`."""
    if value is None:
        return "–"
    for size, unit in ((1e9, " bn"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            scaled = value / (1e3 if unit == " k" else size)
            return f"{scaled:,.0f}{unit}" if abs(scaled) >= 100 else f"{scaled:.3g}{unit}"
    return f"{value:,.0f}"


def number(value: float | None, digits: int = 4) -> str:
    """A measure to so many digits, without an exponent where it can be; a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return signed_minus(f"{int(value):,}")
    if 1e-4 <= abs(value) < 1e7:
        places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        return signed_minus(f"{value:,.{min(places, 8)}f}")
    return signed_minus(f"{value:.{digits - 1}e}")


def percent(share: float | None, places: int = 1) -> str:
    """A share as per cent."""
    return "–" if share is None or not math.isfinite(share) else f"{100 * share:.{places}f} %"


def basis_points(value: float | None, places: int = 1) -> str:
    """A return in basis points, with its sign."""
    if value is None or not math.isfinite(value):
        return "–"
    return signed_minus(f"{1e4 * value:+.{places}f}")


def signed_minus(text: str) -> str:
    """The text with minus signs that are as wide as digits."""
    return text.replace("-", "−")


def plainly(value: Any) -> str:
    """Any plain value as text."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def day(value: date | str | None) -> str:
    """A date as `1 March 2013`; a dash for none."""
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    return f"{value.day} {value:%B %Y}"


def plural(number_of: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 file`, `3 files`, `no file`."""
    if number_of == 0:
        return f"no {one}"
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"
