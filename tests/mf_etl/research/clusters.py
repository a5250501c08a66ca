"""Prepared folders of tickers that go through three regimes, and rows made of known clusters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from mf_etl.research.preparation.prepare import prepare
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.spec import PreparationSpec
from tests.mf_etl.research.datasets.cases import OPTIONS, day, exported, feature_frame, written

FEATURES = ("tmf_21", "tmf_slope_5", "delta_flow_20", "flow_activity_20", "tmf_abs")
SPLIT = {"split_mode": "time", "train_end": day(199)}


def blobs(rows: int, clusters: int, features: int = 24, seed: int = 0, spread: float = 1.0):
    """A float32 matrix of normal clusters that overlap, and the cluster of each row."""
    random = np.random.default_rng(seed)
    centres = random.normal(0, 1, (clusters, features))
    own = random.integers(0, clusters, rows)
    scales = random.uniform(0.5, 1.5, (clusters, features)) * spread
    matrix = centres[own] + scales[own] * random.normal(size=(rows, features))
    return matrix.astype(np.float32), own


def regime_frame(ticker: str, rows: int = 300, **columns: object) -> pl.DataFrame:
    """Gold features of a ticker in supply, neutral and demand regimes of 20 rows each, in turn."""
    random = np.random.default_rng([7, *ticker.encode()])
    regime = (np.arange(rows) // 20 + sum(ticker.encode())) % 3 - 1
    values = {
        "tmf_21": regime + random.normal(0, 0.15, rows),
        "tmf_slope_5": random.normal(0, 0.15, rows) + (regime == 0),
        "delta_flow_20": 5.0 * regime + random.normal(0, 0.5, rows),
        "flow_activity_20": 4.0 * np.abs(regime) + random.normal(0, 0.5, rows),
        "flow_state_code": regime + 2,
    }
    return feature_frame(ticker, rows, **(values | columns))


WHOLE = {"split_mode": "none"}


def prepared_folder(folder: Path, *frames: pl.DataFrame, **spec: object) -> Path:
    """The frames as a dataset in `folder`, prepared; `dataset_of` has the path of the dataset."""
    exported(folder, written(folder / "features", *frames))
    prepare(
        folder / "dataset.parquet",
        folder / "metadata.json",
        PreparationSpec(**({"features": FEATURES} | spec)),
        folder / "prepared",
        options=OPTIONS,
    )
    return folder / "prepared"


def dataset_of(prepared: Path) -> Path:
    """The dataset that `prepared_folder` made the folder of."""
    return prepared.parent / "dataset.parquet"


def opened(prepared: Path) -> Prepared:
    """A folder of `prepared_folder`, opened."""
    return Prepared(prepared, dataset_of(prepared))


def with_dataset_columns(prepared: Path) -> pl.DataFrame:
    """The rows of a prepared folder with every column of the dataset."""
    found = opened(prepared)
    return found.take(np.arange(found.rows), list(found.columns))
