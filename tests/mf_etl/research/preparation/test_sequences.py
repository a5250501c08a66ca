"""Sequences: cut at gaps, by listing, short ones dropped and counted; shards."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.preparation.sequences import Sequences, cut_sequences
from tests.mf_etl.research.states import day


def keys(*series):
    """Rows of (ticker, exchange, days), ordered as a dataset is."""
    return pl.concat(
        [
            pl.DataFrame(
                {"ticker": ticker, "exchange": exchange, "trade_date": [day(d) for d in days]}
            )
            for ticker, exchange, days in series
        ]
    ).sort("ticker", "trade_date", "exchange", maintain_order=True)


def cut(rows, used=None, *, max_gap_days=30, min_length=1):
    used = pl.Series([True] * rows.height) if used is None else pl.Series(used)
    return cut_sequences(rows, used, max_gap_days=max_gap_days, min_length=min_length)


def test_a_ticker_ends_a_sequence_and_so_does_a_gap_of_more_days():
    rows = keys(("A", "NYSE", [0, 1, 31, 62, 63]), ("B", "NYSE", [64, 65]))
    found = cut(rows)
    assert found.sequences.starts.tolist() == [0, 3, 5]
    assert found.sequences.lengths.tolist() == [3, 2, 2]
    assert found.summary == {
        "rows": 7,
        "sequences": 3,
        "series": 2,
        "gaps": 1,
        "dropped_rows": 0,
        "dropped_sequences": 0,
    }
    assert len(cut(rows, max_gap_days=31).sequences) == 2


def test_short_sequences_are_left_out_and_counted():
    found = cut(keys(("A", "NYSE", range(4)), ("B", "NYSE", range(3))), min_length=4)
    assert (found.sequences.starts.tolist(), found.sequences.lengths.tolist()) == ([0], [4])
    assert (found.summary["dropped_rows"], found.summary["dropped_sequences"]) == (3, 1)
    with pytest.raises(ResearchError, match=r"no sequence has 5 rows \(the longest has 4\)"):
        cut(keys(("A", "NYSE", range(4))), min_length=5)


def test_only_used_rows_count():
    rows = keys(("A", "NYSE", range(6)), ("B", "NYSE", range(3)))
    found = cut(rows, [False, True, True, True, False, False, False, True, True])
    assert found.sequences.order is None
    assert found.sequences.row_numbers().tolist() == [1, 2, 3, 7, 8]
    with pytest.raises(ResearchError, match="no rows to make sequences of"):
        cut(rows, [False] * 9)


def test_an_unused_row_in_between_does_not_end_a_sequence():
    found = cut(keys(("A", "NYSE", range(5))), [True, True, False, True, True])
    assert found.sequences.lengths.tolist() == [4]
    assert found.sequences.row_numbers().tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize("dtype", (pl.String, pl.Enum(["A", "B", "NASDAQ", "NYSE"])))
def test_listings_of_one_ticker_on_two_exchanges_stay_apart(dtype):
    """Their rows are interleaved by day."""
    rows = keys(("A", "NYSE", [0, 1, 2, 90]), ("A", "NASDAQ", [1, 2, 3]), ("B", "NYSE", [0, 1]))
    found = cut(rows.cast({"ticker": dtype, "exchange": dtype}))
    assert found.sequences.lengths.tolist() == [3, 3, 1, 2]
    in_order = rows[found.sequences.row_numbers()]
    assert in_order.equals(rows.sort("ticker", "exchange", "trade_date"))
    matrix = np.arange(rows.height)
    assert np.array_equal(found.sequences.gather(matrix), found.sequences.row_numbers())
    used = [True] * rows.height
    used[in_order.with_row_index().height - 1] = False
    assert cut(rows, used).sequences.rows == rows.height - 1


def test_a_day_twice_is_refused():
    with pytest.raises(ResearchError, match="a day twice or out of order"):
        cut(keys(("A", "NYSE", [0, 1, 1])))


def marked(found):
    sequences = found.sequences
    nothing = np.zeros(len(sequences), dtype=int)
    gaps = nothing if sequences.after_gap is None else sequences.after_gap
    leads = nothing if sequences.lead is None else sequences.lead
    parts = zip(sequences.starts, sequences.lengths, gaps, leads, strict=True)
    return [tuple(map(int, part)) for part in parts]


def test_a_segment_ends_a_sequence_and_begins_one_like_a_listing():
    rows = keys(("A", "NYSE", [0, 1, 2, 3, 60, 61]))
    rows = rows.with_columns(segment_no=pl.Series([1, 1, 2, 2, 2, 2], dtype=pl.Int32))
    assert marked(cut(rows)) == [(0, 2, 0, 0), (2, 2, 0, 0), (4, 2, 1, 0)]
    assert marked(cut(rows, max_gap_days=10_000)) == [(0, 2, 0, 0), (2, 4, 0, 0)]


def test_known_rows_lead_in_unless_something_ends_the_sequence_before():
    rows = keys(("A", "NYSE", [0, 1, 2, 3]), ("B", "NYSE", [0, 1, 60, 61]), ("C", "NYSE", [5, 6]))
    used = pl.Series([0, 0, 1, 1, 0, 0, 1, 1, 1, 1]).cast(bool)
    known = pl.Series([True] * 10)
    found = cut_sequences(rows, used, max_gap_days=30, min_length=1, known=known)
    assert marked(found) == [(2, 2, 0, 2), (6, 2, 1, 0), (8, 2, 0, 0)]
    assert found.summary["rows"] == 6 and found.summary["series"] == 3
    assert found.sequences.row_numbers().tolist() == [2, 3, 6, 7, 8, 9]
    longer = found.sequences.led_in()
    assert longer.row_numbers().tolist() == [0, 1, 2, 3, 6, 7, 8, 9]
    assert np.flatnonzero(~longer.reported).tolist() == [0, 1]
    alone = cut_sequences(rows, used, max_gap_days=30, min_length=1)
    assert marked(alone) == [(2, 2, 0, 0), (6, 2, 0, 0), (8, 2, 0, 0)]


def test_days_after_the_first_that_is_asked_for_do_not_lead_in():
    rows = keys(("A", "NYSE", range(6)))
    used = pl.Series([False, True, True, False, True, False])
    found = cut_sequences(rows, used, max_gap_days=9, min_length=1, known=pl.Series([True] * 6))
    assert found.sequences.led_in().row_numbers().tolist() == [0, 1, 2, 4]
    assert found.sequences.row_numbers().tolist() == [1, 2, 4]


def test_what_begins_where_the_dataset_was_cut_was_listed_before():
    rows = keys(("A", "NYSE", [100, 101]), ("B", "NYSE", [108, 109]), ("C", "NYSE", [140, 141]))
    found = cut_sequences(
        rows, pl.Series([True] * 6), max_gap_days=30, min_length=1, first_day=day(99)
    )
    assert [gap for _, _, gap, _ in marked(found)] == [1, 1, 0]


def test_shards_are_whole_sequences_in_order():
    sequences = Sequences.contiguous([5, 5, 1, 30, 2, 2], 45)
    shards = list(sequences.shards(8))
    assert [shard.lengths.tolist() for shard in shards] == [[5, 5], [1, 30], [2, 2]]
    assert [shard.bounds.tolist() for shard in shards] == [[0, 5, 10], [0, 1, 31], [0, 2, 4]]
    rows = np.concatenate([shard.row_numbers() for shard in shards])
    assert np.array_equal(rows, np.arange(45))
    assert len(list(sequences.shards())) == 1
