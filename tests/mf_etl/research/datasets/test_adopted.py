"""A dataset file from elsewhere: linked, told about, and refused where it is none."""

from __future__ import annotations

import datetime
import json

import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.adopted import adopt_dataset
from mf_etl.research.datasets.naming import ADOPTED_PREFIX, dataset_name
from mf_etl.research.datasets.request import DatasetRequest, checked


@pytest.fixture
def source(tmp_path):
    days = [datetime.date(2010, 1, day) for day in (4, 5, 6)]
    frame = pl.DataFrame(
        {
            "ticker": ["A.US", "A.US", "B.US"],
            "exchange": ["NYSE"] * 3,
            "trade_date": [days[1], days[2], days[0]],
            "outcome_end_date": [None, days[2], None],
            "own": [1.0, 2.0, 3.0],
        }
    )
    path = tmp_path / "theirs" / "dataset.parquet"
    path.parent.mkdir()
    frame.write_parquet(path, row_group_size=2)
    return path


def test_it_is_linked_and_told_about(source, tmp_path):
    dataset, metadata = tmp_path / "mine" / "dataset.parquet", tmp_path / "mine" / "metadata.json"
    told = adopt_dataset(source, dataset, metadata)
    assert dataset.is_symlink() and dataset.resolve() == source
    assert json.loads(metadata.read_text()) == told
    assert (told["rows"], told["symbols"]) == (3, 2)
    assert told["date_range"] == {"first": "2010-01-04", "last": "2010-01-06"}
    assert told["rows_are_sampled"] is False
    source.with_name("metadata.json").write_text('{"rows_are_sampled": true}')
    assert adopt_dataset(source, dataset, metadata)["rows_are_sampled"] is True


def test_what_is_no_dataset_is_refused_and_nothing_is_written(source, tmp_path):
    dataset, metadata = tmp_path / "mine" / "dataset.parquet", tmp_path / "mine" / "metadata.json"
    pl.read_parquet(source).drop("outcome_end_date").write_parquet(source)
    with pytest.raises(ResearchError, match="no column outcome_end_date"):
        adopt_dataset(source, dataset, metadata)
    source.write_bytes(b"no Parquet")
    with pytest.raises(ResearchError, match=r"theirs/dataset\.parquet"):
        adopt_dataset(source, dataset, metadata)
    assert not dataset.parent.exists()


def test_its_name_is_one_that_no_other_dataset_has():
    name = dataset_name(DatasetRequest(file="/a/My Archive/dataset.parquet"))
    assert name.startswith(f"{ADOPTED_PREFIX}my-archive-")
    assert name != dataset_name(DatasetRequest(file="/b/My Archive/dataset.parquet"))
    assert not dataset_name(DatasetRequest(tickers=("FILE",))).startswith(ADOPTED_PREFIX)


def test_a_file_is_taken_as_it_is():
    with pytest.raises(ResearchError, match="leave out start_date"):
        checked(DatasetRequest, {"file": "x.parquet", "start_date": "2010-01-04"}, "here")
