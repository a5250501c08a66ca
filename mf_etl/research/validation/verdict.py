"""The verdict on a validation: which findings fail it or warn, each with its numbers; no score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Word = Literal["undecided", "fail", "warn", "pass"]

PLACEBO = ADJUSTED = SUPERIOR = 0.05
DEFLATED = 0.95
OVERFITTED = 0.2


@dataclass(frozen=True)
class Cell:
    """A state and horizon whose p_stepdown is below 0.05, and its mean as others tell it.

    `others` are means by other measures (winsorized, in logs), other blocks' lower bounds where the
    interval is above 0 (else upper), and with a delisting return, by name; None is left out.
    """

    state: int
    h: int
    mean: float
    min_detectable: float
    others: dict[str, float | None]


@dataclass(frozen=True)
class Findings:
    """What a validation has found; None is not told, and neither fails nor warns."""

    market_known: bool
    folds: int
    tested_cells: int
    least_p_stepdown: float | None
    placebo_p: float | None
    fits_not_converged: int
    datasets: int
    cells: Sequence[Cell]
    survivors_only: bool
    holds_anything: bool
    dsr: float | None
    spa_consistent_p: float | None
    pbo: float | None
    tau: float | None
    event_signs_differ: int
    most_names: int | None = None
    """Eligible names on the day with most of them, and how many a market needs."""
    names_needed: int | None = None


@dataclass(frozen=True)
class Verdict:
    """One word, and the lines that led to it: what was asked, what was found, and the threshold."""

    verdict: Word
    lines: list[dict[str, Any]]


def verdict(found: Findings) -> Verdict:
    """`undecided` where nothing can be said, else `fail`, `warn` or, with neither, `pass`."""
    asked: tuple[tuple[Word, Sequence[dict[str, Any]]], ...] = (
        ("undecided", _undecided(found)),
        ("fail", _failures(found)),
        ("warn", _warnings(found)),
    )
    for word, lines in asked:
        if lines:
            # A failed validation tells its warnings too: they are part of what to know.
            rest = _warnings(found) if word == "fail" else []
            return Verdict(word, [*lines, *rest])
    return Verdict("pass", [])


def _line(what: str, value: Any, threshold: Any, word: Word) -> dict[str, Any]:
    return {"verdict": word, "finding": what, "value": value, "threshold": threshold}


def _undecided(found: Findings) -> list[dict[str, Any]]:
    lines = []
    if not found.market_known:
        lines.append(
            _line("too few stocks for a market", found.most_names, found.names_needed, "undecided")
        )
    if found.folds < 2:
        lines.append(_line("too few folds", found.folds, 2, "undecided"))
    if not found.tested_cells:
        lines.append(_line("no state and horizon could be tested", 0, 1, "undecided"))
    return lines


def _failures(found: Findings) -> list[dict[str, Any]]:
    lines = []
    if found.placebo_p is not None and found.placebo_p > PLACEBO:
        text = "shifted labels are as far apart as these"
        lines.append(_line(text, found.placebo_p, PLACEBO, "fail"))
    if found.least_p_stepdown is None or not found.least_p_stepdown < ADJUSTED:
        text = "no state differs from the market beyond chance"
        lines.append(_line(text, found.least_p_stepdown, ADJUSTED, "fail"))
    if found.fits_not_converged:
        text = "fits that have not converged"
        lines.append(_line(text, found.fits_not_converged, 0, "fail"))
    if found.datasets > 1:
        lines.append(_line("rows of more than one dataset", found.datasets, 1, "fail"))
    return lines


def _warnings(found: Findings) -> list[dict[str, Any]]:
    lines = []
    for cell in found.cells:
        where = f"state {cell.state}, {cell.h} days"
        if cell.min_detectable > abs(cell.mean):
            text = f"{where}: smaller than what could be found reliably"
            lines.append(_line(text, cell.mean, cell.min_detectable, "warn"))
        lines += [
            _line(f"{where}: another sign of {name}", value, cell.mean, "warn")
            for name, value in cell.others.items()
            if value is not None and value * cell.mean < 0
        ]
    if found.holds_anything:
        checks = (
            ("Sharpe ratio after the trials", found.dsr, DEFLATED, "below"),
            ("chance that the best is luck", found.spa_consistent_p, SUPERIOR, "above"),
            ("probability of overfitting", found.pbo, OVERFITTED, "above"),
        )
        for text, value, threshold, side in checks:
            if (
                value is not None
                and (value < threshold) == (side == "below")
                and value != threshold
            ):
                lines.append(_line(text, value, threshold, "warn"))
    if found.cells and found.tau is not None and found.tau <= 0:
        lines.append(_line("states keep no order from year to year", found.tau, 0, "warn"))
    if found.survivors_only:
        lines.append(_line("an archive of survivors", None, None, "warn"))
    if found.event_signs_differ:
        text = "transitions whose portfolio and mean path differ in sign"
        lines.append(_line(text, found.event_signs_differ, 0, "warn"))
    return lines
