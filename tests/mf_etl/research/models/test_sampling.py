"""Which tickers a model is fitted on."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.datasets import streaming
from mf_etl.research.models.sampling import fit_sample
from tests.mf_etl.research.clusters import SPLIT, opened, prepared_folder, regime_frame


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "ROW_GROUP_ROWS", 128)
        frames = [regime_frame(f"T{i:02d}", 210 + i) for i in range(20)]
        folder = prepared_folder(tmp_path_factory.mktemp("sampling"), *frames, **SPLIT)
    return opened(folder)


def test_ticker_codes_are_those_of_the_rows(prepared):
    names, codes = prepared.ticker_codes
    tickers = pl.read_parquet(prepared.folder / "rows.parquet")["ticker"].to_list()
    assert [names[code] for code in codes] == tickers and len(names) == 20


def test_takes_whole_tickers_up_to_the_limit(prepared):
    sample = fit_sample(prepared, 1000, seed=4)
    rows = pl.read_parquet(prepared.folder / "rows.parquet").with_columns(
        pl.Series("chosen", sample.chosen)
    )
    taken = rows.filter("chosen")["ticker"].unique().sort().to_list()
    assert sample.record == {
        "max_fit_rows": 1000,
        "seed": 4,
        "rows_to_choose_from": 4000,
        "sampled": True,
        "rows": 1000,
        "tickers": 5,
        "ticker_names": taken,
    }
    whole = rows.filter(pl.col("ticker").is_in(taken) & pl.col("is_fit"))
    assert whole["chosen"].all() and whole.height == 1000


def test_the_seed_alone_decides(prepared):
    some, same, other = (fit_sample(prepared, 1000, seed).record for seed in (1, 1, 2))
    assert some == same and some["ticker_names"] != other["ticker_names"]
    more = fit_sample(prepared, 1500, 1).record["ticker_names"]
    assert set(some["ticker_names"]) < set(more)


@pytest.mark.parametrize("limit", [None, 4000])
def test_all_rows_when_they_are_few_enough(prepared, limit):
    sample = fit_sample(prepared, limit, 0)
    assert (sample.chosen == prepared.is_fit).all() and sample.record["ticker_names"] is None
    assert not sample.record["sampled"] and sample.record["tickers"] == 20


def test_refuses_a_limit_below_one_ticker(prepared):
    with pytest.raises(ResearchError, match=r"max_fit_rows 150 is less than the 200 rows of T\d\d"):
        fit_sample(prepared, 150, 0)


def test_every_ticker_is_as_likely(prepared):
    """Names that differ by a character get unrelated numbers."""
    taken = np.zeros(20)
    for seed in range(200):
        names = fit_sample(prepared, 1000, seed).record["ticker_names"]
        taken[[int(name[1:]) for name in names]] += 1
    assert taken.min() > 25 and taken.max() < 80, "5 of 20 in 200 draws: 50 are expected"
