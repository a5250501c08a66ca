"""Labelled rows small enough to check by hand, in two views and two periods."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import polars as pl

from mf_etl.research.labels.labelled import LabelledRows
from mf_etl.research.models.views import View
from mf_etl.research.preparation.prepared import Prepared

PAST = View("filtered", "hmm_state", "past")
AHEAD = View("hindsight", "hindsight_hmm_state", "whole sequence", "it has seen the future")


def day(number: int) -> datetime.date:
    return datetime.date(2024, 1, 1) + datetime.timedelta(days=int(number))


def labelled_rows(
    folder: Path,
    labels: dict[str, list[int]],
    *,
    lengths: tuple[int, ...],
    states: int,
    train: int,
    purged: tuple[int, ...] = (),
    views: tuple[View, ...] = (PAST,),
    **columns: object,
) -> LabelledRows:
    """One sequence a ticker, of so many days each; days before number `train` are fitted on."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = sum(lengths)
    number = np.concatenate([np.arange(length) for length in lengths])
    own = pl.DataFrame(
        {
            "ticker": np.repeat([f"T{i}" for i in range(len(lengths))], lengths),
            "exchange": "NYSE",
            "trade_date": [day(n) for n in number],
            "is_fit": number < train,
            "is_predict": True,
            "outcome_purged": np.isin(np.arange(rows), purged),
            "period": np.where(number < train, "train", "test"),
        }
    )
    dataset = own.select("ticker", "exchange", "trade_date").with_columns(
        pl.Series(name, values) for name, values in columns.items()
    )
    dataset.write_parquet(folder / "dataset.parquet")
    own.with_row_index("dataset_row").write_parquet(folder / "rows.parquet")
    np.save(folder / "matrix.npy", np.zeros((rows, 1), dtype=np.float32))
    told = {"features": ["x"], "dataset": {}, "dataset_rows": rows}
    (folder / "preprocess_summary.json").write_text(json.dumps(told))
    prepared = Prepared(folder, folder / "dataset.parquet")
    cut = prepared.sequences(prepared.is_predict, max_gap_days=30)
    arrays = {name: np.array(values, dtype=np.int16) for name, values in labels.items()}
    return LabelledRows(prepared, cut.sequences, views, arrays, states)
