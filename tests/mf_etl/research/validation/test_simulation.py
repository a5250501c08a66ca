"""The tables of a simulation from files: what is declared, what they share, and planted states."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from mf_etl.research.validation.performance import performance_table
from mf_etl.research.validation.reading import read_labelled_days
from mf_etl.research.validation.request import ValidationOptions
from mf_etl.research.validation.simulation import capacity, costs, portfolio, trial_grid
from mf_etl.research.validation.trials import daily_series, trials
from mf_etl.schemas.validation_tables import CAPACITY, COSTS, DAILY, PERFORMANCE, POSITIONS, TRIALS
from tests.mf_etl.research.validation.panels import FIRST, rows
from tests.mf_etl.research.validation.test_held import sums

DAYS = 260
TEST = 80
"""Rows from the day of this number on have labels out of sample."""

OPTIONS = ValidationOptions(horizons=(1, 5), h=5, replications=199, aum=1e6)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A dataset and labels of two folds; state 2 pays 40 basis points a day, state 0 loses as much."""
    folder = tmp_path_factory.mktemp("simulation")
    frame = rows(0, tickers=40, days=DAYS, pays=[-0.004, 0, 0.004], dwell=40)
    tested = frame.filter(pl.col("trade_date").cast(pl.Int32) >= FIRST + TEST)
    later = pl.col("trade_date").cast(pl.Int32) >= FIRST + 170
    labels = tested.select(
        "ticker", "exchange", "trade_date", pl.when(later).then(2).otherwise(1).alias("fold"),
        pl.col("state").cast(pl.Int16),
    )  # fmt: skip
    # Several row groups, which cut through tickers; datasets are by ticker and date.
    dataset, told = folder / "dataset.parquet", folder / "labels.parquet"
    pq.write_table(frame.drop("state").to_arrow(), dataset, row_group_size=777)
    pq.write_table(labels.to_arrow(), told, row_group_size=1000)
    paid = [-0.02, 0.0, 0.02]
    train = pl.concat([sums(1, paid, h=5), sums(2, paid, seed=1, h=5)])
    return dataset, told, train, frame


def test_rows_come_with_the_labels_of_their_name_and_day(files):
    dataset, labels, _, frame = files
    days = read_labelled_days(dataset, labels)
    assert days.states == 3 and days.panel.days[0] == FIRST + TEST
    assert days.fold.tolist() == [1] * 90 + [2] * 90
    known = {
        (t, e, d): s if ok else -2
        for t, e, d, s, ok in frame.select(
            "ticker", "exchange", pl.col("trade_date").cast(pl.Int32), "state", "eligible"
        ).iter_rows()
    }
    names = days.panel.names.table.rows()
    for one in days.panel.decisions():
        if one.decided >= 0:
            before = int(days.panel.days[one.decided])
            expected = [known.get((*name, before), -2) for name in names]
            assert one.state.tolist() == expected


def test_a_name_without_labels_is_of_the_market_alone(files, tmp_path):
    dataset, labels, *_ = files
    some = pl.read_parquet(labels).filter(pl.col("ticker") != "T0003.US")
    some.write_parquet(tmp_path / "labels.parquet")
    days = read_labelled_days(dataset, tmp_path / "labels.parquet")
    at = days.panel.names.table["ticker"].to_list().index("T0003.US")
    seen = {int(one.state[at]) for one in days.panel.decisions()}
    assert seen == {-1, -2}


def test_the_portfolio_holds_what_paid_and_earns_it(files):
    dataset, labels, train, _ = files
    positions, daily = portfolio(dataset, labels, train, OPTIONS)
    POSITIONS.check(positions)
    DAILY.check(daily)
    assert daily["strategy"].to_list() == ["long"] * 180 + ["short"] * 180
    entered = positions.filter(pl.col("trade").abs() > 0, pl.col("state").is_not_null())
    grown = entered.filter(
        (pl.col("trade") * pl.col("weight") > 0) & (pl.col("weight").abs() > 1e-3)
    )
    assert grown.height > 100
    # A tranche that is not full yet may be filled up after its name has left the state.
    share = grown.group_by("strategy", "state").len().sort("len").group_by("strategy").last()
    assert dict(share.select("strategy", "state").rows()) == {"long": 2, "short": 0}
    for side in ("long", "short"):
        own = daily.filter(strategy=side)
        last = own.row(-1, named=True)
        assert last["net"] is None and last["active"] is None and last["turnover"] is not None
        known = own.drop_nulls("active")
        assert known.height == 179
        assert np.allclose(known["net"], known["gross"] - known["cost"] - known["borrow"])
        assert np.allclose(known["active"], known["net"] - known["market_net"])
        assert known["active"].mean() > 0.0005
    assert (daily.filter(strategy="short")["borrow"][10:] > 0).all()
    assert (daily.filter(strategy="long")["borrow"] == 0).all()


def test_trials_are_each_state_side_and_horizon(files):
    dataset, labels, train, _ = files
    grid = trial_grid(dataset, labels, OPTIONS, "mine")
    TRIALS.check(grid)
    keys = grid.select("run", "state", "side", "h").unique().sort("state", "side", "h")
    assert keys.height == 12 and set(keys["run"]) == {"mine"}
    means = dict(
        grid.filter(h=5).group_by("state", "side").agg(pl.col("active").mean()).sort("state")
        .select(pl.concat_str("state", "side"), "active").rows()
    )  # fmt: skip
    assert means["2long"] > 0.0005 < means["0short"]
    assert means["0long"] < 0 > means["2short"]
    # The trial of the only state held is the portfolio itself.
    _, daily = portfolio(dataset, labels, train, OPTIONS)
    long = daily.filter(strategy="long")
    trial = grid.filter(state=2, side="long", h=5)
    assert trial["net"].to_list() == long["net"].to_list()
    assert trial["market_net"].to_list() == long["market_net"].to_list()
    assert daily_series(grid).shape == (179, 12)


def test_a_state_that_never_comes_is_no_trial(files, tmp_path):
    dataset, labels, *_ = files
    some = pl.read_parquet(labels).with_columns(state=pl.col("state").replace({1: 0}))
    some.write_parquet(tmp_path / "labels.parquet")
    grid = trial_grid(dataset, tmp_path / "labels.parquet", OPTIONS, "mine")
    assert set(grid["state"]) == {0, 2}


def test_sizes_cost_more_and_more(files):
    dataset, labels, train, _ = files
    table = capacity(dataset, labels, train, OPTIONS)
    CAPACITY.check(table)
    for side in ("long", "short"):
        own = table.filter(strategy=side)
        assert own["aum"].to_list() == [1e6, 1e7, 1e8, 1e9]
        assert own["unfilled"].is_sorted() and own["unfilled"][3] > own["unfilled"][0]
        assert (own["max_participation"] <= 0.05 + 1e-12).all()
        assert own["break_even_aum"].n_unique() == 1
    _, daily = portfolio(dataset, labels, train, OPTIONS)
    first = table.filter(strategy="long", aum=1e6)
    assert first["net_active"][0] == pytest.approx(daily.filter(strategy="long")["active"].mean())


def test_costs_and_a_day_later(files):
    dataset, labels, train, _ = files
    table = costs(dataset, labels, train, OPTIONS)
    COSTS.check(table)
    long = table.filter(strategy="long")
    assert long["case"].to_list() == [
        "spread × 0", "spread × 1", "spread × 2", "spread × 4", "entered a day later",
        "delisting return",
    ]  # fmt: skip
    assert long["cost_drag"][:4].is_sorted() and long["borrow"].null_count() == 6
    short = table.filter(strategy="short")
    assert short["case"].to_list()[5:] == ["dear to borrow", "delisting return"]
    assert short.filter(case="dear to borrow")["borrow"].to_list() == [0.03]
    assert table.filter(case="entered a day later")["delay"].to_list() == [1, 1]


def test_where_nothing_is_held_there_is_cash(files):
    dataset, labels, *_ = files
    nothing = sums(1, [0.0, 0.0, 0.0], h=5)
    positions, daily = portfolio(dataset, labels, nothing, OPTIONS)
    assert positions.is_empty() and daily["names"].sum() == 0
    assert (daily["net"].drop_nulls() == 0).all()
    performance = performance_table(daily, positions, trials(np.empty((0, 0)), 12), h=5)
    PERFORMANCE.check(performance)
    assert performance["mean_active"].null_count() == 0 and performance["dsr"].null_count() == 2
    told = capacity(dataset, labels, nothing, OPTIONS)
    assert (told["unfilled"] == 0).all()
