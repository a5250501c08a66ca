"""Profiles against whole-table arithmetic and by hand; robustness by hand."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from mf_etl.research.datasets.columns import OUTCOMES
from mf_etl.research.evaluation.cluster_profiles import cluster_profiles, state_distribution
from mf_etl.research.evaluation.cluster_robustness import robustness_summary, side_summary
from mf_etl.research.preparation.prepared import Prepared
from mf_etl.research.runs.cluster_run import sides_of
from tests.mf_etl.research.clusters import FEATURES, SPLIT, prepared_folder, regime_frame


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A prepared folder with a split, its rows, and labels of noise, 0 to 2, and an empty 3."""
    frames = [regime_frame(ticker) for ticker in "ABC"]
    prepared = Prepared(prepared_folder(tmp_path_factory.mktemp("profiles"), *frames, **SPLIT))
    labels = np.random.default_rng(0).integers(-1, 3, prepared.rows).astype(np.int16)
    rows = pl.read_parquet(prepared.folder / "rows.parquet").with_columns(
        pl.Series("cluster_id", labels)
    )
    return prepared, rows, labels


def test_equal_whole_table_arithmetic(case):
    prepared, rows, labels = case
    profiles = cluster_profiles(prepared, labels, 4, sides_of(prepared), threads=2)
    assert set(profiles) == {"predict", "train", "test"}
    assert rows["outcome_purged"].sum() == 3 * 21
    for side, profile in profiles.items():
        part = rows.filter(pl.col("is_predict") if side == "predict" else pl.col("period") == side)
        outcome = [pl.when(~pl.col("outcome_purged")).then(pl.col(o)).alias(o) for o in OUTCOMES]
        part = part.with_columns(outcome).with_columns(pl.col(*FEATURES, *OUTCOMES).cast(float))
        assert profile["cluster_id"].to_list() == [-1, 0, 1, 2, 3]
        assert profile["share"].sum() == pytest.approx(1) and profile["rows"].sum() == part.height
        for row in profile.rows(named=True)[:-1]:
            group = part.filter(cluster_id=row["cluster_id"])
            assert (row["rows"], row["tickers"]) == (group.height, group["ticker"].n_unique())
            assert (row["first_date"], row["last_date"]) == (
                group["trade_date"].min(),
                group["trade_date"].max(),
            )
            for name in FEATURES:
                assert row[f"{name}_mean"] == pytest.approx(group[name].mean(), abs=1e-12)
                assert row[f"{name}_std"] == pytest.approx(group[name].std(ddof=0), rel=1e-12)
            for name in OUTCOMES:
                x = group[name].drop_nulls()
                quantiles = [x.quantile(q, "linear") for q in (0.1, 0.5, 0.9)]
                found = [row[f"{name}_{q}"] for q in ("p10", "median", "p90")]
                assert found == pytest.approx(quantiles, rel=1e-12)
                assert row[f"{name}_n"] == len(x) <= group.height
                # Of outcomes from the next open only the last row of a listing has none.
                assert len(x) < group.height or name.startswith(("fwd_oo_", "fwd_xs_"))
                assert row[f"{name}_mean"] == pytest.approx(x.mean(), abs=1e-12)
                assert row[f"{name}_std"] == pytest.approx(x.std(ddof=0), rel=1e-12)
                assert row[f"{name}_hit_rate"] == pytest.approx((x > 0).mean(), rel=1e-12)


def test_a_cluster_without_rows_is_null_where_it_has_no_value(case):
    prepared, _, labels = case
    profile = cluster_profiles(prepared, labels, 4, {"predict": prepared.is_predict})["predict"]
    last = profile.row(-1, named=True)
    assert (last["rows"], last["share"], last["tickers"], last["fwd_ret_10_n"]) == (0, 0, 0, 0)
    rest = [value for name, value in last.items() if name.endswith(("_mean", "_std", "_date"))]
    assert rest and set(rest) == {None}
    assert pl.Null not in profile.dtypes


def test_state_distribution(case):
    prepared, rows, labels = case
    found = state_distribution(prepared, labels, 4, prepared.is_predict)
    expected = (
        rows.filter("is_predict")
        .group_by("cluster_id", "flow_state_code")
        .agg(pl.len().alias("rows"))
        .sort("cluster_id", "flow_state_code")
    )
    assert found.select("cluster_id", "flow_state_code", "rows").rows() == expected.rows()
    shares = found.group_by("cluster_id").agg(pl.sum("share_of_cluster"))["share_of_cluster"]
    assert shares.to_list() == pytest.approx([1.0] * 4)


def profile(rows, means):
    ids = range(len(rows) - 1)
    return pl.DataFrame({"cluster_id": [-1, *ids], "rows": rows, "fwd_ret_10_mean": means})


def test_robustness_by_hand():
    found = side_summary(profile([900, 10, 30, 60], [0.5, -0.001, None, 0.003]))
    assert found["largest_share"] == pytest.approx(0.6)
    assert found["effective_clusters"] == pytest.approx(1 / (0.01 + 0.09 + 0.36))
    assert found["forward_separation"] == pytest.approx(0.004)


def test_notes_at_their_thresholds():
    good = profile([0, 70, 30], [None, 0.0, 0.002])
    assert robustness_summary({"predict": good}, 0.10, 0.50)["notes"] == []
    poor = profile([0, 71, 29], [None, 0.0, 0.0019])
    assert robustness_summary({"predict": poor}, 0.099, 0.49)["notes"] == [
        "silhouette 0.099 is below 0.1: clusters overlap",
        "largest_share 0.71 is above 0.7: clusters are unbalanced",
        "forward_separation 0.0019 is below 0.002: clusters differ little in what follows",
        "mean_ari 0.49 is below 0.5: clusters change with the seed",
    ]


def test_noise_alone_says_nothing():
    found = robustness_summary({"predict": profile([5], [0.1])}, None)
    assert found["largest_share"] is None and found["notes"] == []


def test_rank_correlation_of_train_and_test():
    train = profile([0, 5, 5, 5], [None, 0.01, 0.02, 0.03])
    test = profile([0, 5, 5, 5], [None, 0.02, 0.01, 0.04])
    found = robustness_summary({"predict": test, "train": train, "test": test}, 0.5)
    assert math.isclose(found["forward_rank_correlation"], 0.5)
    assert set(found["by_side"]) == {"predict", "train", "test"}
