"""Prepared folders: what is read, and refusals."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.preparation.prepared_sequences import RowsFile, open_prepared
from tests.mf_etl.research.states import FEATURES, listing, market, prepared_folder


@pytest.fixture
def folder(tmp_path):
    x = market(0, lengths=(300,)).x
    return prepared_folder(tmp_path / "p", listing("A", x[:180], fit=False), listing("B", x[180:]))


def test_opened_folder(folder):
    prepared = open_prepared(folder)
    assert isinstance(prepared.matrix, np.memmap) and prepared.features == FEATURES
    assert prepared.fit_sequences(max_gap_days=30, min_length=100).summary["rows"] == 120
    assert prepared.predict_sequences(max_gap_days=30, min_length=100).summary["rows"] == 300
    with pytest.raises(ResearchError, match=r"121 rows .* lower min_sequence_length"):
        prepared.fit_sequences(max_gap_days=30, min_length=121)
    with pytest.raises(ResearchError, match=r"181 rows .* lower min_decoded_length"):
        prepared.predict_sequences(max_gap_days=30, min_length=181)


def test_rows_are_taken_by_number(folder):
    rows = RowsFile(folder / "rows.parquet")
    table = pl.read_parquet(folder / "rows.parquet", columns=["ticker", "trade_date"])
    for numbers in ([0], [96, 97], [290, 3, 150], range(300)):
        wanted = np.array(numbers)
        assert rows.take(wanted, ["ticker", "trade_date"]).equals(table[wanted])


def test_refusals(folder):
    summary = folder / "preprocess_summary.json"
    told = json.loads(summary.read_text())
    summary.write_text(json.dumps({**told, "dataset": {"rows_are_sampled": True}}))
    with pytest.raises(ResearchError, match="but this dataset is a sample of single rows"):
        open_prepared(folder)
    summary.write_text(json.dumps({**told, "features": ["a"]}))
    with pytest.raises(ResearchError, match=r"matrix of shape \(300, 3\) for 300 rows and 1 feat"):
        open_prepared(folder)
    (folder / "matrix.npy").unlink()
    with pytest.raises(ResearchError, match="prepare it again"):
        open_prepared(folder)
