"""Profiles against whole-table arithmetic; views and periods apart; what is purged counts nowhere."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.research.datasets.columns import OUTCOMES
from mf_etl.research.evaluation.groups import Groups
from mf_etl.research.evaluation.profiles import profiles
from mf_etl.research.labels.labelled import LabelledRows
from mf_etl.research.models.clusters import ClusterModel
from mf_etl.research.models.views import View
from tests.mf_etl.research.clusters import (
    FEATURES,
    SPLIT,
    opened,
    prepared_folder,
    regime_frame,
    with_dataset_columns,
)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Labelled rows with a split, their table, and labels of noise, 0 to 2, and an empty 3."""
    frames = [regime_frame(ticker) for ticker in "ABC"]
    folder = prepared_folder(tmp_path_factory.mktemp("profiles"), *frames, **SPLIT)
    prepared = opened(folder)
    views = (*ClusterModel.views, View("other", "other_id", "whole sequence"))
    random = np.random.default_rng(0)
    labels = {v.name: random.integers(-1, 3, prepared.rows).astype(np.int16) for v in views}
    cut = prepared.sequences(prepared.is_predict, max_gap_days=30)
    labelled = LabelledRows(prepared, cut.sequences, views, labels, 4)
    rows = with_dataset_columns(folder).with_columns(
        pl.Series(name, values) for name, values in labels.items()
    )
    return labelled, rows


def test_equal_whole_table_arithmetic(case):
    labelled, rows = case
    profile = profiles(Groups.of(labelled), features=FEATURES, threads=2)
    assert profile.select("view", "period").unique().height == 4
    assert rows["outcome_purged"].sum() == 3 * 21
    hidden = [pl.when(~pl.col("outcome_purged")).then(pl.col(o)).alias(o) for o in OUTCOMES]
    rows = rows.with_columns(hidden).with_columns(pl.col(*FEATURES, *OUTCOMES).cast(float))
    for (view, period), part in profile.group_by("view", "period", maintain_order=True):
        of_period = rows.filter(period=period)
        assert part["cluster_id"].to_list() == [-1, 0, 1, 2, 3]
        assert set(part["in_sample"]) == {period == "train"}
        assert part["share"].sum() == pytest.approx(1) and part["rows"].sum() == of_period.height
        for row in part.rows(named=True)[:-1]:
            group = of_period.filter(pl.col(view) == row["cluster_id"])
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
                assert row[f"{name}_n"] == len(x)
                if not len(x):
                    continue
                quantiles = [x.quantile(q, "linear") for q in (0.1, 0.5, 0.9)]
                found = [row[f"{name}_{q}"] for q in ("p10", "median", "p90")]
                assert found == pytest.approx(quantiles, rel=1e-12)
                assert row[f"{name}_mean"] == pytest.approx(x.mean(), abs=1e-12)
                assert row[f"{name}_std"] == pytest.approx(x.std(ddof=0), rel=1e-12)
                assert row[f"{name}_hit_rate"] == pytest.approx((x > 0).mean(), rel=1e-12)


def test_a_label_without_rows_is_null_where_it_has_no_value(case):
    labelled, _ = case
    profile = profiles(Groups.of(labelled), features=FEATURES)
    last = profile.row(-1, named=True)
    assert (last["rows"], last["share"], last["tickers"], last["fwd_ret_10_n"]) == (0, 0, 0, 0)
    rest = [value for name, value in last.items() if name.endswith(("_mean", "_std", "_date"))]
    assert rest and set(rest) == {None}
    assert pl.Null not in profile.dtypes
