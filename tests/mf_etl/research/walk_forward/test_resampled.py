"""Fits on some of the tickers: which number of states they bear, and how labels agree."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest

from mf_etl.io import ParquetOptions
from mf_etl.research.labels.labelled import write_labelled
from mf_etl.research.preparation.prepare import prepare
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.runs.requests import ClusteringRun, HmmRun
from mf_etl.research.walk_forward.folds import Fold
from mf_etl.research.walk_forward.resampled import chosen_number, number_told, refit

LAST = datetime.date(2019, 12, 31)
FOLD = Fold(2020, datetime.date(2019, 1, 1), LAST, datetime.date(2020, 2, 3), LAST)
SPLIT = {"features": ("delta_flow_20", "tmf_21"), "train_end": LAST}
HMM = HmmRun(
    hmm={"n_components": 2, "n_iter": 30, "n_restarts": 1, "start_rows": 2000},
    preparation=SPLIT,
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Ten tickers of two regimes far apart; what comes after the last train day is another world."""
    random = np.random.default_rng(3)
    days = np.arange("2019-01-01", "2020-03-01", dtype="datetime64[D]")
    parts = []
    for ticker in range(10):
        regime = np.repeat(np.arange(60) % 2, random.integers(5, 15, 60))[: len(days)]
        x = np.where(regime, 4.0, -4.0)[:, None] + random.normal(size=(len(days), 2))
        x[days > np.datetime64(LAST)] *= 1000
        columns = {"ticker": [f"T{ticker}.US"] * len(days), "exchange": ["NYSE"] * len(days)}
        end = days[np.minimum(np.arange(len(days)) + 21, len(days) - 1)]
        columns |= {"trade_date": days, "segment_no": np.ones(len(days), dtype=np.int16)}
        columns |= {"outcome_end_date": end, "delta_flow_20": x[:, 0], "tmf_21": x[:, 1]}
        parts.append(pl.DataFrame(columns))
    path = tmp_path_factory.mktemp("resampled") / "dataset.parquet"
    pl.concat(parts).write_parquet(path)
    return path


def with_states(request, states):
    return request.model_copy(
        update={"hmm": request.hmm.model_copy(update={"n_components": states})}
    )


def test_two_regimes_are_told_by_held_out_tickers(dataset):
    tried = [
        number_told(with_states(HMM, states), FOLD, states, dataset, seed=0) for states in (1, 2, 4)
    ]
    assert [len(one["groups"]) for one in tried] == [5, 5, 5]
    assert sum(group["tickers"] for group in tried[0]["groups"]) == 10
    assert tried[1]["mean"] > tried[0]["mean"] + 0.5
    assert chosen_number(tried) == 2
    again = number_told(with_states(HMM, 2), FOLD, 2, dataset, seed=0)
    assert again == tried[1]


def test_mixtures_have_a_likelihood_too(dataset):
    mixture = {"method": "gmm", "n_clusters": 2, "n_init": 1}
    request = ClusteringRun(clustering=mixture, preparation=SPLIT)
    told = number_told(request, FOLD, 2, dataset, seed=0)
    assert np.isfinite([group["ll_per_row"] for group in told["groups"]]).all()


def test_the_fewest_within_one_standard_error_are_chosen():
    def tried(*rows):
        return [dict(zip(("states", "mean", "se"), row, strict=True)) for row in rows]

    assert chosen_number(tried((2, -5.0, 0.1), (3, -4.0, 0.2), (4, -3.9, 0.2))) == 3
    assert chosen_number(tried((2, -5.0, 0.1), (3, -4.0, 0.2), (4, -3.7, 0.2))) == 4
    assert chosen_number(tried((3, -4.0, 0.0), (2, -4.0, 0.0))) == 2


def test_refits_of_clear_regimes_agree(dataset, tmp_path):
    prepare(dataset, None, HMM.preparation, tmp_path / "p", options=ParquetOptions())
    prepared = Prepared(tmp_path / "p", dataset)
    fitted = HMM.spec.model().fitted(prepared, HMM.spec, 1)
    write_labelled(
        fitted.model, prepared, tmp_path / "decoded_rows.parquet", passed_on=(),
        options=ParquetOptions(), threads=1,
    )  # fmt: skip
    rows = [refit(tmp_path, HMM, LAST, dataset, draw=draw, seed=0) for draw in (0, 1)]
    for draw, (number, tickers, converged, ari) in enumerate(rows):
        assert number == draw and 1 < tickers < 10 and converged is not None and ari > 0.95
    assert rows[0] == refit(tmp_path, HMM, LAST, dataset, draw=0, seed=0)
