"""Simulated markets with known regimes, and prepared folders made of them."""

from __future__ import annotations

import datetime
import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from mf_etl.io import ParquetOptions
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.sequences import Sequences

OPTIONS = ParquetOptions()
PARAMETERS = ("startprob_", "transmat_", "means_", "_covars_")
FEATURES = ("delta_flow_20", "tmf_21", "flow_activity_20")


class Market(NamedTuple):
    """Rows, the regime of each, and where the sequences lie."""

    x: np.ndarray
    regimes: np.ndarray
    sequences: Sequences

    @property
    def lengths(self):
        return self.sequences.lengths


def market(seed, *, lengths, states=3, features=3, spread=3.0, stay=0.95) -> Market:
    """Gaussian regimes of unit variance whose means lie about `spread` apart, float32."""
    random = np.random.default_rng(seed)
    means = spread * random.normal(size=(states, features))
    steps = np.full((states, states), (1 - stay) / max(states - 1, 1))
    np.fill_diagonal(steps, stay if states > 1 else 1.0)
    regimes = np.empty(sum(lengths), dtype=np.int64)
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    for begin, end in pairwise(bounds):
        regimes[begin] = random.integers(states)
        for t in range(begin + 1, end):
            regimes[t] = random.choice(states, p=steps[regimes[t - 1]])
    x = means[regimes] + random.normal(size=(len(regimes), features))
    return Market(x.astype(np.float32), regimes, Sequences.contiguous(lengths, len(x)))


def random_model(seed, states, features, covariance_type="diag", **settings) -> ShardedGaussianHMM:
    """A model with drawn parameters that a fit starts from."""
    random = np.random.default_rng(seed)
    model = ShardedGaussianHMM(states, covariance_type, init_params="", **settings)
    model.n_features = features
    model.startprob_ = random.dirichlet(np.ones(states))
    model.transmat_ = random.dirichlet(np.ones(states), size=states)
    model.means_ = 2 * random.normal(size=(states, features))
    factors = random.normal(size=(states, features, 2 * features))
    full = factors @ factors.transpose(0, 2, 1) / features
    variances = np.diagonal(full, axis1=1, axis2=2).copy()
    model._covars_ = {
        "diag": variances,
        "full": full,
        "tied": full[0],
        "spherical": np.tile(variances.mean(axis=1, keepdims=True), features),
    }[covariance_type]
    return model


def day(number: int) -> datetime.date:
    return datetime.date(2020, 1, 1) + datetime.timedelta(days=int(number))


def listing(ticker, x, *, exchange="NYSE", days=None, fit=True, predict=True) -> pl.DataFrame:
    """Rows of one listing with their matrix values; `fit` and `predict` are flags a row or all."""
    days = range(len(x)) if days is None else days
    random = np.random.default_rng(len(ticker) + len(x))
    return pl.DataFrame(
        {
            "ticker": ticker,
            "exchange": exchange,
            "trade_date": [day(number) for number in days],
            "is_fit": fit,
            "is_predict": predict,
            "outcome_purged": False,
            "period": "all",
            "flow_state_code": pl.Series(random.integers(0, 3, len(x)), dtype=pl.Int8),
            "close": 10 + random.random(len(x)),
            **{name: x[:, j] for j, name in enumerate(FEATURES)},
            "fwd_ret_10": np.where(np.arange(len(x)) < len(x) - 10, 0.01 * x[:, 0], np.nan),
        },
        nan_to_null=True,
    )


def prepared_folder(folder: Path, *listings: pl.DataFrame, row_group_rows=97, sampled=False):
    """A prepared folder of these listings and its dataset, the matrix the features as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = pl.concat(listings).sort("ticker", "trade_date", "exchange", maintain_order=True)
    matrix = np.ascontiguousarray(rows.select(FEATURES).to_numpy(), dtype=np.float32)
    np.save(folder / "matrix.npy", matrix)
    own = ["ticker", "exchange", "trade_date", "is_fit", "is_predict", "outcome_purged", "period"]
    numbered = rows.with_row_index("dataset_row").select(*own, "dataset_row")
    numbered.write_parquet(folder / "rows.parquet", row_group_size=row_group_rows)
    dataset = rows.drop(own[3:])
    dataset.write_parquet(folder / "dataset.parquet", row_group_size=row_group_rows + 30)
    summary = {
        "features": FEATURES,
        "dataset": {"rows_are_sampled": sampled},
        "dataset_rows": rows.height,
    }
    (folder / "preprocess_summary.json").write_text(json.dumps(summary))
    return folder


def opened(folder: Path) -> Prepared:
    """A folder of `prepared_folder`, opened."""
    return Prepared(folder, folder / "dataset.parquet")
