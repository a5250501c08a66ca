"""Labelled rows by view, period and label: what every table of an evaluation is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Groups:
    """Every group, by view, period and label; noise (−1) comes first where there is any."""

    labelled: LabelledRows
    every: list[Group]
    _orders: dict[str, NDArray[np.uint32]]

    @classmethod
    def of(cls, labelled: LabelledRows) -> Groups:
        """Sorts the rows once for each view."""
        every: list[Group] = []
        orders = {}
        noise = any((labels == NOISE).any() for labels in labelled.labels.values())
        width = labelled.states - NOISE
        rows_of = np.bincount(labelled.periods, minlength=len(PERIODS))
        fit_rows_of = np.bincount(labelled.periods[labelled.is_fit], minlength=len(PERIODS))
        for view in labelled.views:
            cell = labelled.periods.astype(np.int16) * np.int16(width)
            cell += labelled.labels[view.name] - np.int16(NOISE)
            # Stable, so that a group's rows stay in their order; of two bytes, so by radix.
            orders[view.name] = np.argsort(cell, kind="stable").astype(np.uint32)
            counts = np.bincount(cell, minlength=width * len(PERIODS))
            bounds = np.concatenate(([0], np.cumsum(counts))).tolist()
            for code in np.flatnonzero(rows_of).tolist():
                for label in range(NOISE if noise else 0, labelled.states):
                    at = code * width + label - NOISE
                    rows = slice(bounds[at], bounds[at + 1])
                    in_sample = bool(fit_rows_of[code])
                    every.append(Group(view, PERIODS[code], in_sample, label, rows))
        return cls(labelled, every, orders)

    @property
    def label_name(self) -> str:
        """What a label is called in tables: the column of the first view."""
        return self.labelled.views[0].column

    def ordered(self, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """`values` of all rows in the order of each view's groups."""
        return {name: values[order] for name, order in self._orders.items()}

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
