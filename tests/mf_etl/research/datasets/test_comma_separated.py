"""A dataset as CSV holds the same rows in the same order."""

from __future__ import annotations

import datetime

import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.comma_separated import write_dataset_csv


def test_rows_nulls_and_numbers_come_back(tmp_path):
    frame = pl.DataFrame(
        {
            "ticker": ["A.US", 'B,"C".US', None],
            "trade_date": [datetime.date(2010, 1, 4), None, datetime.date(2010, 1, 6)],
            "close": [0.1, None, 1e-300],
            "tmf_21": pl.Series([0.1, -0.30000001192092896, None], dtype=pl.Float32),
            "state_changed": [True, None, False],
            "code": pl.Series([1, None, 3], dtype=pl.Int8),
        }
    )
    frame.write_parquet(tmp_path / "dataset.parquet", row_group_size=2)
    assert write_dataset_csv(tmp_path / "dataset.parquet", tmp_path / "dataset.csv") == 3
    text = (tmp_path / "dataset.csv").read_text()
    assert text.splitlines()[0] == "ticker,trade_date,close,tmf_21,state_changed,code"
    assert text.splitlines()[1] == "A.US,2010-01-04,0.1,0.1,true,1" and len(text.splitlines()) == 4
    back = pl.read_csv(tmp_path / "dataset.csv", schema=frame.schema)
    assert back.equals(frame)


def test_what_is_no_dataset_is_told_and_the_old_file_stays(tmp_path):
    (tmp_path / "dataset.parquet").write_bytes(b"PAR1")
    (tmp_path / "dataset.csv").write_text("old")
    with pytest.raises(ResearchError, match=r"dataset\.parquet.*export the dataset again"):
        write_dataset_csv(tmp_path / "dataset.parquet", tmp_path / "dataset.csv")
    assert (tmp_path / "dataset.csv").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dataset.csv", "dataset.parquet"]
