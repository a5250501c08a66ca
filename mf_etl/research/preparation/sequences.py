"""Rows of a matrix as sequences of neighbouring days, and sequences as shards of work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError

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
        for number, length in enumerate(self.lengths.tolist(), start=1):
            filled += length
            if filled >= full or number == len(self):
                yield Sequences(self.starts[first:number], self.lengths[first:number], self.order)
                first, filled = number, 0

    def row_numbers(self) -> np.ndarray:
        """The matrix row of every row, sequence after sequence."""
        positions = np.repeat(self.starts - self.bounds[:-1], self.lengths)
        positions += np.arange(len(positions))
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
        return np.asarray(matrix[self.row_numbers()])

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
) -> Cut:
    """One sequence for each ticker of an exchange, ended by a gap of more than `max_gap_days`.

    `rows` has ticker, exchange and trade_date for each row of the matrix, ordered by ticker and
    date; `used` says which rows count. A gap is in calendar days between used rows. Sequences of
    fewer than `min_length` rows are left out and counted. Raises `ResearchError` if none is left
    (naming the option that `min_length` came from) and if a series has a day twice.
    """
    if not used.any():
        raise ResearchError("no rows to make sequences of; choose other dates or another dataset")
    order = _series_order(rows)
    picked = rows.lazy().select("ticker", "exchange", "trade_date", _used=used)
    if order is not None:
        picked = picked.select(pl.all().gather(order))
    series_starts = pl.any_horizontal(
        pl.col(name) != pl.col(name).shift() for name in ("ticker", "exchange")
    ).fill_null(True)
    found = (
        picked.with_row_index("_position")
        .filter("_used")
        .select(
            "_position",
            _series=series_starts,
            _days=pl.col("trade_date").to_physical().diff().fill_null(0),
            _skips=pl.col("_position") != pl.col("_position").shift() + 1,
        )
        .collect()
    )
    position, series_start, gap = (
        found.get_column(name).to_numpy() for name in ("_position", "_series", "_days")
    )
    if ((gap <= 0) & ~series_start).any():
        raise ResearchError("a ticker has a day twice or out of order; export the dataset again")
    too_far = (gap > max_gap_days) & ~series_start
    skips = found.get_column("_skips").fill_null(False).to_numpy()
    if (skips & ~series_start & ~too_far).any():
        # Rows between used ones are not neighbours in memory: gather what is used.
        order = position if order is None else order[position]
        position = np.arange(len(position))
    first = np.flatnonzero(series_start | too_far)
    lengths = np.diff(first, append=len(position))
    long_enough = lengths >= min_length
    if not long_enough.any():
        raise ResearchError(
            f"no sequence has {min_length} rows (the longest has {lengths.max()}); "
            f"lower {length_option} or choose more dates"
        )
    starts = position[first][long_enough].astype(np.int64)
    kept = Sequences(starts, lengths[long_enough], order)
    return Cut(
        kept,
        {
            "rows": kept.rows,
            "sequences": len(kept),
            "series": int(series_start.sum()),
            "gaps": int(too_far.sum()),
            "dropped_rows": int(lengths[~long_enough].sum()),
            "dropped_sequences": int((~long_enough).sum()),
        },
    )


def _series_order(rows: pl.DataFrame) -> np.ndarray | None:
    """Matrix rows by ticker, exchange and day; None if they lie so already.

    A ticker that is listed on two exchanges has its rows interleaved by day.
    """
    same_ticker = pl.col("ticker") == pl.col("ticker").shift()
    changes = same_ticker & (pl.col("exchange") != pl.col("exchange").shift())
    if not rows.lazy().select(changes.any()).collect().item():
        return None
    keys = rows.lazy().select("ticker", "exchange", "trade_date").with_row_index("_row")
    ordered = keys.sort("ticker", "exchange", "trade_date", "_row").select("_row").collect()
    return ordered.get_column("_row").to_numpy().astype(np.int64)
