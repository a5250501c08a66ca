"""Labelled rows by view, period and label: what every table of an evaluation is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from mf_etl.research.counted import counted
from mf_etl.research.labels.labelled import LabelledRows
from mf_etl.research.models.canonical import NOISE
from mf_etl.research.models.views import View
from mf_etl.research.preparation.splits import PERIODS


class Group(NamedTuple):
    """The rows of one view, period and label."""

    view: View
    period: str
    in_sample: bool
    """Some of the period's rows were fitted on: what is told of them was seen before."""
    label: int
    rows: slice
    """Place of its rows in what `Groups.ordered` gives of the view."""
    cell: int
    """Its number in what `Groups.counts` gives of the view."""


@dataclass(frozen=True)
class Groups:
    """Every group, by view, period and label; noise (−1) comes first where there is any."""

    labelled: LabelledRows
    every: list[Group]
    cells: dict[str, NDArray[np.int16]]
    """Of each view, the number of each row's group among those of `Group.cell`."""

    @classmethod
    def of(cls, labelled: LabelledRows) -> Groups:
        """Counts the rows once for each view."""
        every: list[Group] = []
        cells = {}
        noise = any((labels == NOISE).any() for labels in labelled.labels.values())
        width = labelled.states - NOISE
        rows_of = np.bincount(labelled.periods, minlength=len(PERIODS))
        fit_rows_of = np.bincount(labelled.periods[labelled.is_fit], minlength=len(PERIODS))
        for view in labelled.views:
            cell = labelled.periods.astype(np.int16) * np.int16(width)
            cell += labelled.labels[view.name] - np.int16(NOISE)
            cells[view.name] = cell
            counts = counted(cell, width * len(PERIODS))
            bounds = np.concatenate(([0], np.cumsum(counts))).tolist()
            for code in np.flatnonzero(rows_of).tolist():
                for label in range(NOISE if noise else 0, labelled.states):
                    at = code * width + label - NOISE
                    rows = slice(bounds[at], bounds[at + 1])
                    in_sample = bool(fit_rows_of[code])
                    every.append(Group(view, PERIODS[code], in_sample, label, rows, at))
        return cls(labelled, every, cells)

    @property
    def label_name(self) -> str:
        """What a label is called in tables: the column of the first view."""
        return self.labelled.views[0].column

    def ordered(self, values: NDArray[Any]) -> Iterator[tuple[Group, NDArray[Any]]]:
        """Each group with its `values`, in row order; of all rows one view's copy at a time."""
        for view in self.labelled.views:
            groups = [group for group in self.every if group.view is view]
            cell = self.cells[view.name]
            ends = np.cumsum(counted(cell, self._width))
            ordered = _by_cell(cell, values, ends)
            yield from ((group, ordered[group.rows]) for group in groups)

    def counts(self, values: NDArray[Any], width: int) -> Iterator[tuple[Group, NDArray[np.int64]]]:
        """Each group with how many of its rows have each of `values`, up to `width`; −1 is none."""
        for view in self.labelled.views:
            found = _pairs(self.cells[view.name], values, np.zeros((self._width, width), np.int64))
            yield from ((group, found[group.cell]) for group in self.every if group.view is view)

    @property
    def _width(self) -> int:
        return (self.labelled.states - NOISE) * len(PERIODS)

    def keys(self) -> pl.DataFrame:
        """Columns view, period, in_sample and the label: one row a group."""
        return pl.DataFrame(
            {
                "view": [group.view.name for group in self.every],
                "period": [group.period for group in self.every],
                "in_sample": [group.in_sample for group in self.every],
                self.label_name: pl.Series([g.label for g in self.every], dtype=pl.Int16),
            }
        )

    def sides(self) -> Iterator[tuple[View, str, bool, NDArray[np.bool_]]]:
        """Each view and period, whether it is in-sample, and which rows are of the period."""
        for view in self.labelled.views:
            told = {g.period: g.in_sample for g in self.every if g.view is view}
            for period, in_sample in told.items():
                yield view, period, in_sample, self.labelled.periods == PERIODS.index(period)


# As `counted`: numpy would make copies of 8 bytes a row first.
@njit(nogil=True, cache=True)
def _pairs(
    cells: NDArray[np.int16], values: NDArray[Any], counts: NDArray[np.int64]
) -> NDArray[np.int64]:  # pragma: no cover - compiled
    """Add 1 to the place of each row's cell and value; a negative value is none."""
    for row in range(len(cells)):
        if values[row] >= 0:
            counts[cells[row], values[row]] += 1
    return counts


@njit(nogil=True, cache=True)
def _by_cell(
    cells: NDArray[np.int16], values: NDArray[Any], ends: NDArray[np.int64]
) -> NDArray[Any]:  # pragma: no cover - compiled
    """`values` cell after cell, in row order within each."""
    found = np.empty_like(values)
    at = np.append(np.zeros(1, np.int64), ends)
    for row in range(len(cells)):
        place = at[cells[row]]
        found[place] = values[row]
        at[cells[row]] = place + 1
    return found
