"""The equal-weight market against a loop over rows, and by hand at the end of series."""

from __future__ import annotations

import datetime
import tracemalloc

import numpy as np
import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import OPEN_BARS
from mf_etl.research.datasets.market import (
    MarketSums,
    Part,
    has_ended,
    market_of,
    read_market,
    with_delisting_return,
)
from mf_etl.research.datasets.outcomes import last_outcomes, open_outcomes

EPOCH = datetime.date(1970, 1, 1)


def part(first, rows, seed=0, *, ended=False, share=0.8):
    random = np.random.default_rng([seed, first, rows])
    opened = np.exp(np.cumsum(0.02 * random.normal(size=rows)))
    days = np.arange(first, first + rows)
    eligible = random.random(rows) < share
    outcomes = np.where(eligible, open_outcomes(opened, days, eps=1e-12), np.nan)
    last = np.where(eligible, last_outcomes(opened, opened * 1.01, eps=1e-12), np.nan)
    return Part(days, outcomes, last, ended)


PARTS = [
    part(100, 60),
    part(80, 30, 1),
    part(90, 60, 2),
    part(85, 20, 3, ended=True),
    part(130, 30),
]


def table(parts, min_names=1):
    sums = MarketSums()
    for one in parts:
        sums.add(one)
    return sums.table(min_names)


def expected(parts, day, number):
    """Outcomes of one day and horizon, and the same with the delisting return."""
    last_day = sorted({int(d) for p in parts for d in p.days})[-11]
    plain, lower = [], []
    for one in parts:
        for at in np.flatnonzero(one.days == day):
            value, cut = one.outcomes[number, at], one.last[number, at]
            if not np.isnan(value):
                plain.append(value)
                lower.append(value)
            elif not np.isnan(cut) and (one.ended or one.days[-1] < last_day):
                plain.append(cut)
                lower.append((1 + cut) * 0.7 - 1)
    return plain, lower


def test_means_equal_a_loop_over_rows():
    got = table(PARTS)
    assert got.height == 80 * len(OPEN_BARS)
    assert got["trade_date"].is_sorted()
    for row in got.iter_rows(named=True):
        day = (row["trade_date"] - EPOCH).days
        plain, lower = expected(PARTS, day, OPEN_BARS.index(row["h"]))
        assert row["names"] == len(plain)
        if plain:
            assert row["mean"] == pytest.approx(np.mean(plain), abs=1e-12)
            assert row["mean_shumway"] == pytest.approx(np.mean(lower), abs=1e-12)
        else:
            assert row["mean"] is None and row["mean_shumway"] is None


def test_a_series_that_ended_counts_to_its_last_close():
    """Opens of 10, last close 11: the last rows gain 10 %, or lose 23 % with a delisting return."""
    short = np.full(30, 10.0)
    days = np.arange(30)
    ended = Part(
        days,
        open_outcomes(short, days, eps=1e-12),
        last_outcomes(short, short + 1, eps=1e-12),
        False,
    )
    alone = table([ended])
    there = Part(np.arange(30, 42), *np.full((2, 4, 12), np.nan), False)
    with_later = table([ended, there])
    at = (pl.col("trade_date") == EPOCH + datetime.timedelta(28)) & (pl.col("h") == 1)
    assert alone.filter(at)["mean"][0] is None
    assert with_later.filter(at)["mean"][0] == pytest.approx(0.1)
    assert with_later.filter(at)["mean_shumway"][0] == pytest.approx(1.1 * 0.7 - 1)


def test_days_with_few_stocks_have_no_mean():
    many, few = table(PARTS, 1), table(PARTS, 3)
    assert few["names"].to_list() == many["names"].to_list()
    kept = few.filter(pl.col("names") >= 3)
    assert kept.height and kept["mean"].null_count() == 0
    assert few.filter(pl.col("names") < 3)["mean"].null_count() == few.height - kept.height


def test_a_series_has_ended_after_more_than_ten_market_days():
    days = np.array([1, 2, 3, *range(10, 20)])
    assert has_ended(np.array([0, 2]), days) and not has_ended(np.array([3]), days)
    assert not has_ended(np.array([30]), days)


def test_the_delisting_return_is_lost_on_top():
    np.testing.assert_allclose(
        with_delisting_return(np.array([0.0, 0.5, -0.5])), [-0.3, 0.05, -0.65]
    )


def test_of_a_series_only_its_last_rows_are_kept():
    """A view of them would keep the whole series, and of a market more than a gigabyte."""
    sums, rows = MarketSums(), 2_000
    tracemalloc.start()
    try:
        for _ in range(50):
            sums.add(Part(np.arange(rows), *np.zeros((2, 4, rows)), False))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 10 * rows * 4 * 8  # ten series, the sums included


def test_a_market_is_read_by_day(tmp_path):
    got = table(PARTS)
    got.write_parquet(tmp_path / "market.parquet")
    market = read_market(tmp_path / "market.parquet")
    days = np.array([79, 85, 100, 159, 160])
    means = market.of(days)
    assert np.isnan(means[:, [0, 4]]).all()
    for column, day in ((1, 85), (2, 100)):
        wanted = got.filter(pl.col("trade_date") == EPOCH + datetime.timedelta(day))["mean"]
        assert means[:, column].tolist() == pytest.approx(wanted.to_list(), nan_ok=True)
    assert market.has_ended(np.array([140])) and not market.has_ended(np.array([155]))


def test_no_market_at_all(tmp_path):
    empty = table([])
    assert empty.height == 0
    assert np.isnan(market_of(empty).of(np.array([1, 2]))).all()
    with pytest.raises(ResearchError, match="build it again"):
        read_market(tmp_path / "none.parquet")
    with pytest.raises(ResearchError, match="other horizons"):
        market_of(table(PARTS).head(3))
