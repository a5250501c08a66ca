"""Runs of labels by a loop, and the lengths that dwell is told of."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl

from mf_etl.research.walk_forward.dwell import runs_of
from mf_etl.research.walk_forward.labels import with_runs


def rows(seed: int, tickers: int = 4, length: int = 60) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    parts = []
    for ticker in range(tickers):
        steps = np.where(random.random(length) < 0.05, 45, random.integers(1, 4, length))
        days = np.datetime64("2020-11-01") + np.cumsum(steps)
        parts.append(
            pl.DataFrame(
                {
                    "ticker": [f"T{ticker}.US"] * length,
                    "exchange": ["NYSE"] * length,
                    "trade_date": days.astype("datetime64[D]"),
                    "segment_no": np.cumsum(random.random(length) < 0.03).astype(np.int16),
                    "state": random.integers(0, 2, length).astype(np.int16),
                }
            )
        )
    found = pl.concat(parts)
    return found.with_columns(pl.col("trade_date").dt.year().cast(pl.Int16).alias("fold"))


def test_runs_equal_a_loop():
    for seed in range(5):
        found = with_runs(rows(seed), 30).to_dicts()
        before = None
        for row in found:
            same = before is not None and all(
                row[name] == before[name] for name in ("ticker", "exchange", "fold", "segment_no")
            )
            gap = same and row["trade_date"] - before["trade_date"] > datetime.timedelta(30)
            if same and not gap:
                assert row["prev"] == before["state"]
                assert row["changed"] == (row["state"] != before["state"])
                goes_on = not row["changed"]
                assert row["run_length"] == (before["run_length"] + 1 if goes_on else 1)
            else:
                assert row["prev"] is None and row["changed"] is None and row["run_length"] == 1
            before = row


def test_runs_look_back_only():
    every = rows(1, tickers=1)
    whole = with_runs(every, 30)
    for cut in (1, 17, 40):
        assert with_runs(every.head(cut), 30).equals(whole.head(cut))


def test_lengths_of_runs_by_hand(tmp_path):
    table = pl.DataFrame(
        {
            "state": [0, 0, 1, 1, 1, 0, 0, 1, -1, 1],
            "changed": [None, False, True, False, False, None, False, True, True, True],
        },
        schema={"state": pl.Int16, "changed": pl.Boolean},
    )
    path = tmp_path / "labels.parquet"
    table.write_parquet(path)
    found = runs_of(path)
    assert found.get_column("state").to_list() == [0, 1, 0, 1, 1]
    assert found.get_column("length").to_list() == [2, 3, 2, 1, 1]
    assert found.get_column("cut_off").to_list() == [False, True, False, False, True]
    assert found.get_column("left_truncated").to_list() == [True, False, True, False, False]
