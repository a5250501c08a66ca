"""Sums by day and state as a table, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from mf_etl.research.inference.sums import Integers, Sums
from mf_etl.schemas.validation_tables import STATE_SUMS


def stored(sums: Mapping[tuple[str, int], Sums], fold: int, period: str) -> pl.DataFrame:
    """`sums` by measure and horizon, one column a state, as rows of `STATE_SUMS`: those with rows."""
    parts = []
    for (measure, h), one in sums.items():
        day, state = np.nonzero(one.count)
        parts.append(
            pl.DataFrame(
                {
                    "trade_date": one.days[day].astype("datetime64[D]"),
                    "fold": np.full(len(day), fold, dtype=np.int16),
                    "period": pl.repeat(period, len(day), eager=True),
                    "state": state.astype(np.int16),
                    "h": np.full(len(day), h, dtype=np.int8),
                    "measure": pl.repeat(measure, len(day), eager=True),
                    "n": one.count[day, state].astype(np.int64),
                    "s": one.total[day, state],
                    "ss": one.square[day, state],
                }
            )
        )
    found = pl.concat(parts) if parts else STATE_SUMS.schema().to_frame()
    return found.select(STATE_SUMS.names)


@dataclass(frozen=True)
class StoredSums:
    """`days`, shape (T,), as days since 1970, ascending; `of` has the sums of each measure and horizon,
    T × states each."""

    days: Integers
    states: int
    of: dict[tuple[str, int], Sums]

    @property
    def horizons(self) -> list[int]:
        """Of the measures that have one."""
        return sorted({h for _, h in self.of if h})


def read_sums(table: pl.DataFrame, states: int) -> StoredSums:
    """Rows of `STATE_SUMS`, of folds whose days are not the same, as arrays.

    Days are those with a row of any measure; measures and horizons those that there are, in order.
    """
    days = table.get_column("trade_date").to_physical().to_numpy()
    every = np.unique(days)
    found: dict[tuple[str, int], Sums] = {}
    for (measure, h), part in table.group_by("measure", "h", maintain_order=True):
        at = np.searchsorted(every, part.get_column("trade_date").to_physical().to_numpy())
        arrays = np.zeros((3, len(every), states))
        for array, name in zip(arrays, ("n", "s", "ss"), strict=True):
            array[at, part.get_column("state").to_numpy()] = part.get_column(name).to_numpy()
        found[str(measure), int(h)] = Sums(every, *arrays)
    return StoredSums(every, states, found)


def read_stored(state_sums: Path, matching: Path, period: str = "test") -> StoredSums:
    """The sums of a period, by the files of a validation."""
    rows = pl.scan_parquet(state_sums, glob=False).filter(pl.col("period") == period).collect()
    highest = pl.read_parquet(matching, columns=["state"], glob=False).to_series().max()
    return read_sums(rows, 0 if highest is None else int(str(highest)) + 1)
