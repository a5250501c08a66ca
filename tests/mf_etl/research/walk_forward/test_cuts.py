"""The archive cut at 50 random days: labels up to each are the same, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mf_etl.io import ParquetOptions
from mf_etl.research.labels.labelled import write_labelled
from mf_etl.research.preparation.prepare import prepare
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.source import Source
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.runs.requests import ClusteringRun, HmmRun
from mf_etl.research.walk_forward.folds import fold_request, folds_of
from mf_etl.research.walk_forward.labels import with_runs
from mf_etl.research.walk_forward.matching import first_states, renumbered

FEATURES = ("delta_flow_20", "tmf_21")
SPLIT = {"features": FEATURES}
HMM = {"n_components": 2, "n_iter": 8, "n_restarts": 1, "start_rows": 500}
REQUESTS = {
    "hmm": (HmmRun(hmm=HMM, preparation=SPLIT), "hmm_state"),
    "clustering": (
        ClusteringRun(clustering={"n_clusters": 3, "n_init": 1}, preparation=SPLIT), "cluster_id"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def market(tmp_path_factory) -> pl.DataFrame:
    """Four tickers of seven years of weekdays; one is listed late, one ends early."""
    random = np.random.default_rng(7)
    days = np.arange("2013-01-01", "2020-03-01", dtype="datetime64[D]")
    days = days[np.is_busday(days)]
    parts = []
    for ticker in range(4):
        own = days[400:] if ticker == 1 else days[:1700] if ticker == 2 else days
        regime = np.repeat(random.normal(size=len(own)), random.integers(5, 40, len(own)))
        x = regime[: len(own), None] * [2.0, -1.0] + random.normal(size=(len(own), 2))
        end = own[np.minimum(np.arange(len(own)) + 21, len(own) - 1)]
        parts.append(
            pl.DataFrame(
                {
                    "ticker": [f"T{ticker}.US"] * len(own),
                    "exchange": ["NYSE"] * len(own),
                    "trade_date": own,
                    "segment_no": np.ones(len(own), dtype=np.int16),
                    "outcome_end_date": end,
                    "delta_flow_20": x[:, 0],
                    "tmf_21": x[:, 1],
                }
            )
        )
    return pl.concat(parts)


def labels_of_last_year(rows: pl.DataFrame, kind: str, folder: Path) -> pl.DataFrame:
    """Labels of the last fold of these rows, from scratch."""
    request, label = REQUESTS[kind]
    folder.mkdir()
    dataset = folder / "dataset.parquet"
    rows.write_parquet(dataset)
    every = PreparationSpec(features=FEATURES, split_mode="none")
    fold = folds_of(Source(dataset, every).trading_days(), 1)[-1]
    asked = fold_request(request, fold)
    prepare(dataset, None, asked.preparation, folder / "p", options=ParquetOptions())
    prepared = Prepared(folder / "p", dataset)
    fitted = asked.spec.model().fitted(prepared, asked.spec, 1)
    path = folder / "labels.parquet"
    write_labelled(fitted.model, prepared, path, passed_on=(), options=ParquetOptions(), threads=1)
    found = pl.read_parquet(path).filter(period="test").sort("ticker", "exchange", "trade_date")
    numbers = first_states(fitted.model.states).numbers
    state = pl.Series("state", renumbered(found.get_column(label).to_numpy(), numbers))
    told = [name for name in ("hmm_prob_max", "probability") if name in found.columns]
    labelled = found.with_columns(state, pl.lit(fold.fold, pl.Int16).alias("fold"))
    keys = ["ticker", "trade_date", "fold", "state", "changed", "prev", "run_length"]
    return with_runs(labelled, 30).select(*keys, *told)


@pytest.mark.parametrize("kind", sorted(REQUESTS))
def test_labels_up_to_a_cut_are_those_of_the_whole_archive(market, kind, tmp_path):
    days = market.get_column("trade_date").unique().sort()
    random = np.random.default_rng(11 if kind == "hmm" else 13)
    # Cut in 2019 or 2020, so that the last fold is of either year.
    cuts = [days[int(at)] for at in random.integers(1570, len(days), 25)]
    whole = {}
    for year in (2019, 2020):
        rows = market.filter(pl.col("trade_date").dt.year() <= year)
        whole[year] = labels_of_last_year(rows, kind, tmp_path / f"whole{year}")
    for number, cut in enumerate(cuts):
        rows = market.filter(pl.col("trade_date") <= cut)
        found = labels_of_last_year(rows, kind, tmp_path / f"cut{number}")
        expected = whole[cut.year].filter(pl.col("trade_date") <= cut)
        assert found.height and found.equals(expected), cut
