"""A prepared folder against whole-table arithmetic; look-ahead, unseen tickers, bytes, refusals."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from mf_etl.errors import ResearchError
from mf_etl.research.datasets import streaming
from mf_etl.research.datasets.columns import FEATURES
from mf_etl.research.preparation.files import FILES
from mf_etl.research.preparation.prepare import prepare
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.preparation.spec import PreparationSpec
from tests.mf_etl.research.datasets.cases import OPTIONS, day, exported, feature_frame, written

SPLIT = {"train_end": day(59)}
WHOLE = {"split_mode": "none"}
SCALING = [
    {"scaler": scaler, "scaling_scope": scope}
    for scaler in ("standard", "robust")
    for scope in ("global", "per_ticker")
]


@pytest.fixture(autouse=True)
def many_row_groups(monkeypatch):
    """Tickers lie across row groups, as they do in a real dataset."""
    monkeypatch.setattr(streaming, "ROW_GROUP_ROWS", 64)


def holes(rows: int, seed: int) -> pl.Series:
    random = np.random.default_rng(seed)
    return pl.Series([None if random.random() < 0.1 else random.normal() for _ in range(rows)])


@pytest.fixture
def folder(tmp_path):
    """A dataset of four tickers with nulls; D is listed from the test period on."""
    return with_dataset(
        tmp_path,
        feature_frame("A", 100, tmf_slope_5=holes(100, 1)),
        feature_frame("A", 100, exchange="NASDAQ"),
        feature_frame("B", 120, tmf_abs=holes(120, 2)),
        feature_frame("C", 30),
        feature_frame("D", 50, first_day=day(60)),
    )


def with_dataset(folder, *frames, **request):
    exported(folder, written(folder / "features", *frames), **request)
    return folder


def prepared(folder, name="prepared", *, threads=1, scaling_min_rows=1, **spec):
    """Matrix, rows with the dataset's columns, scaler parameters and both summaries."""
    out = folder / name
    spec["scaling_min_rows"] = scaling_min_rows
    told = prepare(
        folder / "dataset.parquet",
        folder / "metadata.json",
        PreparationSpec(**spec),
        out,
        options=OPTIONS,
        threads=threads,
    )
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert json.loads((out / "preprocess_summary.json").read_text()) == told
    opened = Prepared(out, folder / "dataset.parquet")
    return (
        opened.matrix,
        opened.take(np.arange(opened.rows), list(opened.columns)),
        pl.read_parquet(out / "scaler_params.parquet"),
        told,
        json.loads((out / "split_summary.json").read_text()),
    )


def expected(dataset: pl.DataFrame, spec: PreparationSpec):
    """Kept rows and their matrix before it is clipped, from the whole table at once."""
    rows = dataset.drop_nulls(list(spec.features))
    fit = rows.filter(pl.col("trade_date") <= spec.train_end)
    if spec.scaling_scope == "per_ticker":
        rows = rows.filter(pl.col("ticker").is_in(set(fit["ticker"])))
    matrix = np.empty((rows.height, len(spec.features)))
    for ticker in rows["ticker"].unique():
        of = fit.filter(ticker=ticker) if spec.scaling_scope == "per_ticker" else fit
        x = of.select(spec.features).cast(pl.Float64).to_numpy()
        low, centre, high = np.percentile(x, (25, 50, 75), axis=0)
        spread = high - low
        if spec.scaler == "standard":
            centre, spread = x.mean(axis=0), x.std(axis=0)
        spread = np.where(spread == 0, 1, spread)
        here = (rows["ticker"] == ticker).to_numpy()
        values = rows.filter(ticker=ticker).select(spec.features).cast(pl.Float64).to_numpy()
        matrix[here] = (values - centre) / spread
    return rows, matrix


@pytest.mark.parametrize("scaling", SCALING)
def test_equals_whole_table_arithmetic(folder, scaling):
    values = {**SPLIT, **scaling, "clip_zscore": 1.5, "predict_on": "test"}
    matrix, rows, _, told, split = prepared(folder, threads=2, **values)
    dataset = pl.read_parquet(folder / "dataset.parquet")
    kept, wanted = expected(dataset, PreparationSpec(**values))
    assert matrix.dtype == np.float32 and matrix.flags.c_contiguous
    np.testing.assert_allclose(matrix, np.clip(wanted, -1.5, 1.5), rtol=1e-6, atol=1e-6)
    assert_frame_equal(rows.select(dataset.columns), kept)
    assert rows["is_fit"].to_list() == (kept["trade_date"] <= day(59)).to_list()
    assert (rows["is_fit"] != rows["is_predict"]).all()
    assert sum(told["clipped_values"].values()) == (np.abs(wanted) > 1.5).sum() > 0
    assert told["rows"] == len(matrix) == rows.height == told["fit_rows"] + told["predict_rows"]
    assert split["fit"]["rows"] == rows["is_fit"].sum() == told["fit_rows"]
    assert split["purge"] == {"bars": 21, "rows": rows["outcome_purged"].sum()}


def test_summaries_account_for_every_row(folder):
    _, _, _, told, split = prepared(folder, **SPLIT, scaling_scope="per_ticker", predict_on="test")
    dataset = pl.read_parquet(folder / "dataset.parquet")
    complete = dataset.drop_nulls(list(FEATURES)).height
    assert [tuple(step.values()) for step in told["steps"]] == [
        ("chosen_by_split", 400, 400),
        ("without_null_features", 400, complete),
        ("without_unscaled_tickers", complete, complete - 50),
    ]
    assert told["nulls"]["tmf_abs"] == dataset["tmf_abs"].null_count() > 0
    assert told["nulls"]["tmf_slope_5"] == dataset["tmf_slope_5"].null_count() > 0
    assert told["unscaled_tickers"] == 1 and told["unscaled_ticker_rows"] == 50
    assert told["features"] == list(FEATURES) and told["features_missing"] == []
    assert told["dataset"]["rows"] == 400 and told["dataset"]["inputs_digest"]
    assert split["test_start"] == str(day(60)) and split["fit"]["last_day"] == str(day(59))
    assert split["predict"]["first_day"] == str(day(60)) and split["fit"]["tickers"] == 3
    assert split["predict"]["tickers"] == 2, "C ended in the train period and D is unseen"


def test_rows_on_neither_side_are_left_out(folder):
    _, rows, _, told, split = prepared(
        folder, **SPLIT, test_start=day(70), test_end=day(89), predict_on="test"
    )
    assert set(rows["period"]) == {"train", "test"} == set(split["periods"])
    inside = rows["trade_date"].is_between(day(70), day(89)) | (rows["trade_date"] <= day(59))
    assert inside.all() and told["steps"][0]["rows_after"] < 400


@pytest.mark.parametrize("scaling", SCALING)
def test_nothing_after_train_end_changes_what_was_learnt(tmp_path, scaling):
    """Prices, features and volumes after train_end are others; the train rows are the same."""

    def changed(frame: pl.DataFrame) -> pl.DataFrame:
        later = pl.col("trade_date") > day(59)
        numbers = frame.select(pl.selectors.numeric() - pl.selectors.by_name("segment_no")).columns
        return frame.with_columns(
            pl.when(later).then((pl.col(n) * 3 + 2).cast(frame.schema[n])).otherwise(n).alias(n)
            for n in numbers
        )

    frames = [feature_frame(ticker, 100) for ticker in "ABC"]
    before = prepared(with_dataset(tmp_path / "1", *frames), **SPLIT, **scaling)
    after = prepared(with_dataset(tmp_path / "2", *map(changed, frames)), **SPLIT, **scaling)
    assert_frame_equal(before[2], after[2], check_exact=True)
    train = before[1]["is_fit"].to_numpy()
    assert (before[0][train] == after[0][train]).all()
    assert (before[0][~train] != after[0][~train]).any()
    profiles = [
        rows.filter("is_fit").with_columns(
            pl.when(~pl.col("outcome_purged")).then(pl.col("^fwd_.*$")).name.keep()
        )
        for _, rows, *_ in (before, after)
    ]
    assert_frame_equal(*profiles, check_exact=True)
    unpurged = [rows.filter("is_fit").select("^fwd_.*$") for _, rows, *_ in (before, after)]
    assert not unpurged[0].equals(unpurged[1]), "the purge is what keeps them the same"


def test_purge_holds_in_a_row_sample(tmp_path):
    """Neighbours are missing, yet the purged rows are those that the full dataset purges."""
    frames = [feature_frame(ticker, 100) for ticker in "ABC"]
    full = prepared(with_dataset(tmp_path / "full", *frames), **SPLIT)[1]
    part = with_dataset(tmp_path / "part", *frames, sample_frac=0.3, sample_by="row")
    keys = ["ticker", "trade_date"]
    rows = prepared(part, **SPLIT)[1].select(*keys, "outcome_purged")
    assert 0 < rows["outcome_purged"].sum() < 20
    assert_frame_equal(rows, full.join(rows, on=keys, how="semi").select(rows.columns))


@pytest.mark.parametrize("scaling", SCALING)
def test_same_bytes_at_1_and_4_threads(folder, scaling):
    assert pq.read_metadata(folder / "dataset.parquet").num_row_groups == 7
    for threads in (1, 4):
        prepared(folder, str(threads), threads=threads, **SPLIT, **scaling)
    for name in FILES:
        assert (folder / "1" / name).read_bytes() == (folder / "4" / name).read_bytes(), name


def test_a_constant_feature_is_0_and_reported(tmp_path):
    folder = with_dataset(tmp_path, feature_frame("A", 100, tmf_abs=0.1))
    matrix, _, parameters, told, _ = prepared(folder, **WHOLE)
    assert (matrix[:, FEATURES.index("tmf_abs")] == 0).all()
    row = parameters.row(by_predicate=pl.col("feature") == "tmf_abs", named=True)
    assert row["ticker"] is None and row["spread"] == 1.0
    assert row["centre"] == pytest.approx(0.1, rel=1e-7)
    assert told["constant_features"] == ["tmf_abs"] and told["zero_spread"]["tmf_abs"] == 1


def test_one_ticker_and_a_boolean_feature(tmp_path):
    folder = with_dataset(tmp_path, feature_frame("A", 100))
    matrix, rows, *_ = prepared(folder, features=["state_changed"], clip_zscore=None, **WHOLE)
    x = rows["state_changed"].cast(pl.Float64).to_numpy()
    np.testing.assert_allclose(matrix[:, 0], (x - x.mean()) / x.std(), rtol=1e-6)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"train_end": day(-1)}, "no rows to fit on in the train period, to 2019-12-31"),
        (
            {**SPLIT, "test_start": day(200), "test_end": day(300), "predict_on": "test"},
            "no rows to predict in the test period, 2020-07-19 to 2020-10-27; the dataset covers "
            "2020-01-01 to 2020-04-29",
        ),
        ({"features": ["tmf_21", "delta_flow"]}, "features not in .*: delta_flow; did you mean"),
        ({"features": ["ticker"]}, "feature ticker is String, not a number"),
        (
            {
                **SPLIT,
                "train_end": day(29),
                "test_start": day(121),
                "scaling_scope": "per_ticker",
                "predict_on": "test",
            },
            "no rows to predict",
        ),
    ],
)
def test_refusals(folder, spec, message):
    refused(folder, message, **spec)


def refused(folder, message, **spec):
    with pytest.raises(ResearchError, match=message) as error:
        prepared(folder, **spec)
    assert len(str(error.value).splitlines()) == 1
    assert not list(folder.glob("prepared/*"))


def test_tickers_to_predict_that_were_never_seen(tmp_path):
    folder = with_dataset(
        tmp_path, feature_frame("A", 30), feature_frame("B", 30, first_day=day(60))
    )
    asked = {**SPLIT, "scaling_scope": "per_ticker", "predict_on": "test"}
    refused(folder, "no ticker to predict has 1 rows to fit on", **asked)


def test_tickers_with_few_rows_to_fit_on_have_no_scale_of_their_own(tmp_path):
    """Scaled by 17 rows of its own, a ticker has nearly every later row clipped."""
    frames = [feature_frame("A", 400), feature_frame("B", 400, first_day=day(33))]
    folder = with_dataset(tmp_path, *frames)
    asked = {"train_end": day(49), "scaling_scope": "per_ticker"}
    _, rows, *_ = prepared(folder, "few", **asked, scaling_min_rows=17)
    assert set(rows["ticker"]) == {"A", "B"}
    _, rows, _, told, _ = prepared(folder, "enough", **asked, scaling_min_rows=18)
    assert set(rows["ticker"]) == {"A"} and told["unscaled_tickers"] == 1
    assert told["unscaled_ticker_rows"] == 400 and told["steps"][-1]["rows_after"] == 400
    with pytest.raises(ResearchError, match=r"no ticker has the 250 rows .*scaling_min_rows"):
        prepared(folder, "none", **asked, scaling_min_rows=250)


def test_a_dataset_file_without_metadata_is_prepared_too(folder):
    spec, out = PreparationSpec(**SPLIT), folder / "alone"
    told = prepare(folder / "dataset.parquet", None, spec, out, options=OPTIONS)
    assert told["rows"] > 0 and told["dataset"]["rows"] is None


def test_features_that_are_null(tmp_path):
    early = pl.Series([None] * 60 + [1.0] * 40)
    frame = feature_frame("A", 100, tmf_abs=pl.Series([None] * 100), tmf_slope_5=early)
    folder = with_dataset(tmp_path, frame)
    refused(folder, "feature tmf_abs is null on each of 100 rows", **WHOLE)
    others = [name for name in FEATURES if name != "tmf_abs"]
    refused(
        folder,
        "no rows to fit on in the train period, to 2020-02-29 have every feature; tmf_slope_5",
        **SPLIT,
        features=others,
    )


def rewritten(folder, change):
    path = folder / "dataset.parquet"
    change(pl.read_parquet(path)).write_parquet(path)
    return folder


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_values_that_are_not_finite(folder, value):
    bad = pl.when((pl.col("ticker") == "B") & (pl.col("trade_date") == day(7)))
    rewritten(folder, lambda f: f.with_columns(bad.then(value).otherwise("tmf_21").alias("tmf_21")))
    refused(folder, "feature tmf_21 holds NaN or infinity, first of B on 2020-01-08")


def test_values_that_float32_cannot_hold(tmp_path):
    close = np.where(np.arange(100) < 60, 1 + 1e-30 * np.arange(100), 1e30)
    tiny = pl.Series([1e-37 * n if n < 60 else 1e38 for n in range(100)])
    folder = with_dataset(tmp_path, feature_frame("A", 100, close=close, tmf_abs=tiny))
    refused(
        folder,
        "feature tmf_abs is too large once scaled; set clip_zscore",
        **SPLIT,
        clip_zscore=None,
    )


def test_files_that_are_no_dataset(folder):
    rewritten(folder, lambda frame: frame.sort("trade_date"))
    refused(folder, "not in order of ticker; export the dataset again")
    rewritten(folder, lambda frame: frame.drop("outcome_end_date"))
    refused(folder, "no column outcome_end_date; export the dataset again")
    (folder / "dataset.parquet").write_text("text")
    refused(folder, "export the dataset again")
    (folder / "metadata.json").unlink()
    refused(folder, "metadata.json: .*; export the dataset again")
