"""Rows of a matrix as sequences of neighbouring days, and sequences as shards of work."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.preparation.stretches import Keys, picked_rows, stretches

EPOCH = datetime.date(1970, 1, 1)
FIRST_DAYS = 10
"""A ticker whose first row is so many days after the first day of a cut dataset was listed before: one
that is listed later has none until its features have filled their windows."""

SHARD_ROWS = 16_384
"""Rows at which a shard is full; it ends with the sequence. Fixed: sums are added in shard order."""


@dataclass(frozen=True)
class Sequences:
    """Where the sequences of a matrix lie.

    `starts` and `lengths` (int64, one a sequence) are in positions. A position is a row of the
    matrix, or an index into `order` where the rows of a series do not lie together.
    """

    starts: np.ndarray
    lengths: np.ndarray
    order: np.ndarray | None = None
    after_gap: np.ndarray | None = None
    """Bool, one a sequence: whether days before it are missing. None: each begins at a listing."""
    lead: np.ndarray | None = None
    """Rows right before each sequence that are known, though not asked for. None: nowhere any."""

    @classmethod
    def contiguous(cls, lengths: Sequence[int] | np.ndarray | None, rows: int) -> Sequences:
        """Sequences that follow each other, as hmmlearn's `lengths` tell; None is a single one."""
        sizes = np.atleast_1d(np.asarray([rows] if lengths is None else lengths, dtype=np.int64))
        if sizes.sum() != rows:
            raise ValueError(f"lengths add up to {sizes.sum()}, but there are {rows} rows")
        if (sizes < 1).any():
            raise ValueError("a sequence needs at least one row")
        return cls(np.cumsum(sizes) - sizes, sizes)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def rows(self) -> int:
        """Rows in all sequences."""
        return int(self.lengths.sum())

    def shards(self, shard_rows: int | None = None) -> Iterator[Sequences]:
        """Sequences in runs of at least `shard_rows` rows; the last one may have fewer."""
        full = SHARD_ROWS if shard_rows is None else shard_rows
        first = filled = 0
        lengths = self.lengths if self.lead is None else self.lengths + self.lead
        for number, length in enumerate(lengths.tolist(), start=1):
            filled += length
            if filled >= full or number == len(self):
                yield self.some(slice(first, number))
                first, filled = number, 0

    def some(self, which: slice | np.ndarray) -> Sequences:
        """Sequences by their numbers."""
        return Sequences(
            self.starts[which],
            self.lengths[which],
            self.order,
            None if self.after_gap is None else self.after_gap[which],
            None if self.lead is None else self.lead[which],
        )

    def listed(self) -> np.ndarray:
        """1.0 for a sequence that begins at a listing, 0.0 for one after a gap."""
        if self.after_gap is None:
            return np.ones(len(self))
        return (~self.after_gap).astype(np.float64)

    def led_in(self) -> Sequences:
        """Longer by the rows that lead in; `lead` then tells how many of the first those are."""
        if self.lead is None:
            return self
        starts, lengths = self.starts - self.lead, self.lengths + self.lead
        return Sequences(starts, lengths, self.order, self.after_gap, self.lead)

    @property
    def reported(self) -> np.ndarray | slice:
        """Of the rows of `led_in`, those that were asked for."""
        if self.lead is None:
            return slice(None)
        own = np.ones(self.rows, dtype=bool)
        for begin, lead in zip(self.bounds[:-1], self.lead, strict=True):
            own[begin : begin + lead] = False
        return own

    def row_numbers(self) -> np.ndarray:
        """The matrix row of every row, sequence after sequence."""
        narrow = _narrow(int(self.starts.max(initial=0) + self.rows))
        positions = np.repeat((self.starts - self.bounds[:-1]).astype(narrow), self.lengths)
        positions += np.arange(len(positions), dtype=narrow)
        return positions if self.order is None else self.order[positions]

    @property
    def bounds(self) -> np.ndarray:
        """Number of the row at which each sequence starts, counted without gaps; last, all rows."""
        return np.concatenate(([0], np.cumsum(self.lengths)))

    def gather(self, matrix: np.ndarray) -> np.ndarray:
        """The rows of all sequences, one after another: a view if they lie so in `matrix`."""
        together = np.array_equal(self.starts[1:], self.starts[:-1] + self.lengths[:-1])
        if self.order is None and together:
            return np.asarray(matrix[self.starts[0] : self.starts[0] + self.rows])
        if self.order is not None:
            return np.asarray(matrix[self.row_numbers()])
        # Slice by slice: a number for each row would cost as much memory as what is gathered.
        found = np.empty((self.rows, *matrix.shape[1:]), dtype=matrix.dtype)
        ends = self.starts + self.lengths
        for start, stop, place in zip(
            self.starts.tolist(), ends.tolist(), self.bounds[:-1].tolist(), strict=True
        ):
            found[place : place + stop - start] = matrix[start:stop]
        return found

    def gather_in_shards(self, matrix: np.ndarray) -> Iterator[tuple[Sequences, np.ndarray]]:
        """Every shard with its rows."""
        for shard in self.shards():
            yield shard, shard.gather(matrix)


@dataclass(frozen=True)
class Cut:
    """Sequences of the rows asked for, and what was left out as too short."""

    sequences: Sequences
    summary: dict[str, int]
    """Rows and sequences kept, series (tickers of an exchange), gaps cut at, and rows and
    sequences dropped for their length."""


def cut_sequences(
    rows: pl.DataFrame,
    used: pl.Series,
    *,
    max_gap_days: int,
    min_length: int,
    length_option: str = "min_sequence_length",
    known: pl.Series | None = None,
    first_day: datetime.date | None = None,
) -> Cut:
    """One sequence for each ticker of an exchange, ended by a gap of more than `max_gap_days`.

    `rows` has ticker, exchange and trade_date for each row of the matrix, ordered by ticker and
    date, and `segment_no` if there are segments: a new one ends a sequence however short the gap.
    `used` says which rows count. A gap is in calendar days between used rows. Sequences of fewer than
    `min_length` rows are left out and counted. Rows that are `known` though not used lead those that
    follow them in, if nothing ends the sequence in between.

    A sequence after a gap, and one that begins where the dataset does (`first_day`, if its days were
    cut there), is marked as `after_gap`; others begin at a listing, or a new segment.

    Raises `ResearchError` if no sequence is left (naming the option that `min_length` came from) and
    if a series has a day twice.
    """
    if not used.any():
        raise ResearchError("no rows to make sequences of; choose other dates or another dataset")
    keys = Keys.of(rows)
    order = keys.order()
    is_used = used.to_numpy()
    picked = picked_rows(keys, order, is_used, is_used if known is None else known.to_numpy())
    found = stretches(keys, order, picked, is_used, max_gap_days)
    if found.has_day_twice:
        raise ResearchError("a ticker has a day twice or out of order; export the dataset again")
    position = found.position
    if found.has_holes:
        # Rows between used ones are not neighbours in memory: gather what is used.
        order = order[picked[order]] if len(order) else np.flatnonzero(picked)
        position = np.cumsum(found.rows) - found.rows
    after_gap = found.after_gap
    if first_day is not None:
        since = found.day - (first_day - EPOCH).days
        after_gap = after_gap | (found.begins_series & (since <= FIRST_DAYS))
    lengths = found.asked
    lead = found.rows - lengths
    long_enough = lengths >= max(min_length, 1)
    if not long_enough.any():
        raise ResearchError(
            f"no sequence has {min_length} rows (the longest has {lengths.max()}); "
            f"lower {length_option} or choose more dates"
        )
    kept = Sequences(
        (position + lead)[long_enough],
        lengths[long_enough],
        order.astype(_narrow(rows.height)) if len(order) else None,
        after_gap[long_enough] if after_gap.any() else None,
        lead[long_enough] if lead.any() else None,
    )
    return Cut(
        kept,
        {
            "rows": kept.rows,
            "sequences": len(kept),
            "series": found.series,
            "gaps": found.gaps,
            "dropped_rows": int(lengths[~long_enough].sum()),
            "dropped_sequences": int((~long_enough & (lengths > 0)).sum()),
        },
    )


def _narrow(rows: int) -> type[np.signedinteger[Any]]:
    """Of numbers of so many rows: half as wide as usual, where that will do."""
    return np.int32 if rows <= np.iinfo(np.int32).max else np.int64
