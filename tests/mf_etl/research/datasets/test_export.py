"""A dataset against its feature files: rows, order, outcomes, counts, bytes, refusals."""

from __future__ import annotations

import random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mf_etl.errors import ResearchError
from mf_etl.io import ParquetOptions
from mf_etl.research.datasets import streaming
from mf_etl.research.datasets.columns import (
    CONTEXT,
    FEATURES,
    KEY_FEATURES,
    LIQUIDITY,
    OUTCOMES,
    looks_ahead,
)
from mf_etl.research.datasets.reading import read_prices
from mf_etl.research.datasets.rows import Trading, with_outcomes
from mf_etl.research.datasets.selection import Listing
from mf_etl.schemas.ml_dataset import ML_DATASET
from tests.mf_etl.research.datasets.cases import (
    base_frame,
    day,
    exported,
    feature_frame,
    market_over,
    written,
)

KEYS = ["ticker", "exchange", "trade_date"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three tickers, of which A is on two exchanges on partly the same days."""
    return written(
        tmp_path_factory.mktemp("features"),
        feature_frame("B", 60),
        feature_frame("A", 50, exchange="NYSE"),
        feature_frame("A", 40, exchange="NASDAQ", first_day=day(20)),
        feature_frame("C", 30),
    )


def test_columns_are_those_of_the_contract():
    entered = [f"fwd_{kind}_{h}" for kind in ("oo", "xs") for h in (1, 5, 10, 20)]
    closes = ["fwd_ret_5", "fwd_ret_10", "fwd_ret_20", "fwd_abs_ret_10", "fwd_vol_10"]
    assert list(OUTCOMES) == [*closes, *entered]
    told = [
        "instrument",
        *FEATURES,
        *CONTEXT,
        "open",
        "adv_20",
        "sigma_20",
        "spread_60",
        "eligible",
    ]
    ahead = [*OUTCOMES, "fwd_bars", "outcome_end_date", "delisted"]
    assert ML_DATASET.names == [*KEYS, *told, *ahead]
    assert [name for name in ML_DATASET.names if looks_ahead(name)] == ahead
    assert set(KEY_FEATURES) < set(FEATURES) and len(FEATURES) == 25


def test_every_row_passes_unchanged_and_in_order(tmp_path, files):
    got, told = exported(tmp_path, files)
    assert got.schema == ML_DATASET.schema(pl.Float32)
    assert_frame_equal(got, got.sort("ticker", "trade_date", "exchange"))
    passed_on = [*KEYS, *FEATURES, *CONTEXT]
    sources = pl.concat(pl.read_parquet(file.features).select(passed_on) for file in files)
    assert_frame_equal(got.select(passed_on), sources.sort("ticker", "trade_date", "exchange"))
    assert told["rows"] == 180 and told["symbols"] == 3 and told["input_files"] == 4
    assert told["date_range"] == {"first": str(day(0)), "last": str(day(59))}
    assert told["rows_dropped"] == dict.fromkeys(told["rows_dropped"], 0)
    assert [c["name"] for c in told["columns"]] == got.columns


def test_outcomes_are_of_each_listing_by_itself(tmp_path, files):
    market = market_over(files)
    got, _ = exported(tmp_path, files, market=market, min_adv=0.0)
    for file in files:
        features = pl.read_parquet(file.features)
        trading = Trading(is_stock=True, min_adv=0.0, eps=1e-12)
        expected = with_outcomes(features, read_prices(file, features), market, trading)
        rows = got.filter(ticker=file.ticker, exchange=file.exchange)
        for name in ("open", *LIQUIDITY, *OUTCOMES, "fwd_bars", "outcome_end_date", "delisted"):
            wanted = expected.get_column(name).cast(rows.schema[name])
            assert rows.get_column(name).to_list() == wanted.to_list(), name


@pytest.mark.parametrize(
    "request_",
    [
        {"sample_frac": 0.4, "sample_by": "row", "seed": 1},
        {"start_date": day(15), "end_date": day(25)},
        {"end_date": day(12), "sample_frac": 0.5, "sample_by": "row"},
        {"tickers": ["A"], "exchanges": ["NASDAQ"]},
    ],
)
def test_a_filtered_row_is_the_row_of_the_full_dataset(tmp_path, files, request_):
    """Outcomes computed after the filters would be of other days, or null near the last one."""
    full, _ = exported(tmp_path, files)
    got, told = exported(tmp_path, files, **request_)
    assert 0 < got.height < full.height
    assert_frame_equal(got, full.join(got.select(KEYS), on=KEYS, how="semi"))
    assert got["fwd_ret_10"].null_count() < got.height
    assert told["rows"] == told["rows_read"] - sum(told["rows_dropped"].values())


def test_dropped_rows_are_counted_by_the_first_reason(tmp_path):
    tmf = pl.Series([None if n < 21 else 0.1 for n in range(60)])
    score = pl.Series([None if n < 21 or n == 40 else 0.1 for n in range(60)])
    files = written(tmp_path, feature_frame("A", 60, tmf_21=tmf, tmf_slope_5=score))
    got, told = exported(tmp_path, files, start_date=day(10))
    assert told["rows_dropped"] == {
        "outside_dates": 10,
        "null_required_feature": 11,
        "not_sampled": 0,
    }
    assert got.height == 39 and got["tmf_slope_5"].null_count() == 1
    got, told = exported(tmp_path, files, required_features=["tmf_slope_5"])
    assert got.height == 38
    got, told = exported(tmp_path, files, required_features=[])
    assert got.height == 60 and told["filters"]["required_features"] == []


def test_a_row_sample_says_so(tmp_path, files):
    _, told = exported(tmp_path, files, sample_frac=0.5, sample_by="row", seed=9)
    assert told["rows_are_sampled"] and told["rows_dropped"]["not_sampled"] > 0
    assert told["filters"]["seed"] == 9 and told["filters"]["sample_by"] == "row"
    _, told = exported(tmp_path, files, sample_frac=0.9, sample_by="ticker")
    assert not told["rows_are_sampled"]


def test_same_bytes_at_any_number_of_threads_and_order_of_files(tmp_path, monkeypatch):
    monkeypatch.setattr(streaming, "ROW_GROUP_ROWS", 64)
    files = written(tmp_path, *(feature_frame(f"T{n}", 20 + n) for n in range(12)))
    contents = set()
    for threads in (1, 4):
        for sample_by in ("row", "ticker"):
            random.Random(threads).shuffle(files)
            folder = tmp_path / f"{threads}{sample_by}"
            exported(folder, files, threads=threads, sample_frac=0.7, sample_by=sample_by)
            both = [(folder / n).read_bytes() for n in ("dataset.parquet", "metadata.json")]
            contents.add((sample_by, *both))
    assert len(contents) == 2


def test_the_digest_follows_the_inputs(tmp_path):
    frames = [feature_frame("A", 30), feature_frame("A", 30, run_id="another")]
    one, other = (exported(tmp_path, written(tmp_path, frame))[1] for frame in frames)
    assert one["inputs_digest"] != other["inputs_digest"]
    assert {**one, "inputs_digest": ""} == {**other, "inputs_digest": ""}


def test_helper_floats_as_float64_and_what_float32_cannot_hold(tmp_path):
    close = [1e-9] * 6 + [1e33] * 6
    files = written(tmp_path, feature_frame("A", 12, close=close))
    wide, _ = exported(tmp_path, files, options=ParquetOptions(helper_dtype="float64"))
    assert wide.schema == ML_DATASET.schema(pl.Float64)
    assert wide["fwd_ret_5"][1] == pytest.approx(1e42)
    narrow, _ = exported(tmp_path, files)
    assert narrow["fwd_ret_5"][1] is None and narrow["fwd_ret_5"][0] == 0


def test_a_ticker_without_rows_is_counted(tmp_path):
    frames = [feature_frame("A", 30), feature_frame("B", 10, first_day=day(100))]
    files = written(tmp_path, *frames)
    empty = tmp_path / "empty.parquet"
    feature_frame("C", 0).write_parquet(empty)
    base_frame(feature_frame("C", 0)).write_parquet(tmp_path / "base.parquet")
    files.append(Listing("NYSE", "C", "stock", tmp_path / "base.parquet", empty))
    _, told = exported(tmp_path, files, end_date=day(50))
    assert told["symbols"] == 1 and told["symbols_without_rows"] == 2


def test_an_empty_dataset_is_refused_and_leaves_nothing(tmp_path, files):
    with pytest.raises(
        ResearchError, match=r"no rows: of 180 rows read from 4 files \(180 outside"
    ):
        exported(tmp_path / "new", files, start_date=day(500))
    assert list((tmp_path / "new").iterdir()) == []


def spoilt(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(tmf_21=pl.lit(float("inf"), pl.Float32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), "features.parquet: .*; build the gold features again"),
        (lambda path: path.write_text("no Parquet"), "build the gold features again"),
        (
            lambda path: pl.read_parquet(path).drop("tmf_abs").write_parquet(path),
            "no tmf_abs; build",
        ),
        (
            lambda path: feature_frame("Z", 5).write_parquet(path),
            "ticker is Z, not A; build",
        ),
        (
            lambda path: spoilt(pl.read_parquet(path)).write_parquet(path),
            "tmf_21 holds NaN or infinity; build",
        ),
        (
            lambda path: pl.read_parquet(path).reverse().write_parquet(path),
            "base.parquet: other days than .*; build",
        ),
    ],
)
def test_a_feature_file_that_cannot_be_used(tmp_path, change, message):
    files = written(tmp_path, feature_frame("A", 30))
    change(files[0].features)
    with pytest.raises(ResearchError, match=message) as error:
        exported(tmp_path / "new", files)
    assert len(str(error.value).splitlines()) == 1
    assert list((tmp_path / "new").iterdir()) == []
