"""Rows of a dataset against a plain reading of the contract, across segments and at their ends."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mf_etl.research.datasets.columns import OPEN_BARS
from mf_etl.research.datasets.market import Market
from mf_etl.research.datasets.rows import Bars, Trading, market_parts, with_outcomes
from mf_etl.research.datasets.survival import SURVIVORS_NOTE, Survival
from tests.mf_etl.research.datasets.cases import EPOCH_DAY, base_frame, day, feature_frame

TRADING = Trading(is_stock=True, min_adv=0.0, eps=1e-12)
LENGTHS = (30, 290, 26)
"""Rows of the segments; between them more than a year."""


def dates():
    days, first = [], 0
    for length in LENGTHS:
        days += [first + number for number in range(length)]
        first = days[-1] + 400
    return days


def listing(**columns):
    """Features and prices of a ticker of three segments."""
    numbers = dates()
    rows = len(numbers)
    features = feature_frame(
        "A",
        rows,
        trade_date=pl.Series([day(number) for number in numbers], dtype=pl.Date),
        segment_no=np.repeat(np.arange(1, 4), LENGTHS),
        quality_warn_count=np.zeros(rows, dtype=np.int32),
        **columns,
    )
    return features, base_frame(features)


def market(last=None):
    """A market on every day to `last`, of another mean each day and horizon."""
    days = np.arange(EPOCH_DAY, EPOCH_DAY + (dates()[-1] if last is None else last) + 1)
    mean = 0.001 * np.random.default_rng(0).normal(size=(4, len(days)))
    return Market(days.astype(np.int32), mean)


def rows(market_, trading=TRADING, **columns):
    return with_outcomes(*listing(**columns), market_, trading)


def test_outcomes_by_the_plain_reading_of_the_contract():
    told = market(last=dates()[-1] + 11)
    features, prices = listing()
    got = with_outcomes(features, prices, told, TRADING)
    opened, close = prices["open"].to_list(), features["close"].to_list()
    number, start = dates(), 0
    for length in LENGTHS:
        last = start + length - 1
        for t in range(start, last + 1):
            assert got["outcome_end_date"][t] == day(number[min(t + 21, last)])
            assert got["fwd_bars"][t] == min(21, last - t) and got["delisted"][t]
            for at, h in enumerate(OPEN_BARS):
                if t + 1 + h <= last:
                    expected = opened[t + 1 + h] / opened[t + 1] - 1
                elif t + 1 <= last:
                    expected = close[last] / opened[t + 1] - 1
                else:
                    assert got[f"fwd_oo_{h}"][t] is None and got[f"fwd_xs_{h}"][t] is None
                    continue
                mean = told.mean[at, number[t]]
                assert got[f"fwd_oo_{h}"][t] == pytest.approx(expected, abs=1e-12)
                assert got[f"fwd_xs_{h}"][t] == pytest.approx(expected - mean, abs=1e-12)
            for h in (5, 10, 20):
                value = close[t + h] / close[t] - 1 if t + h <= last else None
                assert got[f"fwd_ret_{h}"][t] == (None if value is None else pytest.approx(value))
        start += length


def test_every_segment_is_as_if_it_were_alone():
    told = market()
    whole = rows(told)
    features, prices = listing()
    for number in (1, 2, 3):
        part = features["segment_no"] == number
        alone = with_outcomes(features.filter(part), prices.filter(part), told, TRADING)
        got = whole.filter(segment_no=number)
        # Only that another follows is known of the whole series: these have ended all the same.
        assert_frame_equal(got, alone)


def test_the_last_segment_goes_on_until_ten_market_dates_are_missing():
    for later, ended in ((0, False), (10, False), (11, True)):
        got = rows(market(last=dates()[-1] + later))
        assert got.filter(segment_no=3)["delisted"].any() == ended
        assert got.filter(segment_no=3)["fwd_oo_20"].null_count() == (1 if ended else 21)
        assert got.filter(pl.col("segment_no") < 3)["delisted"].all()


def test_without_a_market_there_is_nothing_over_it():
    none = Market(np.zeros(0, dtype=np.int32), np.zeros((4, 0)))
    got = rows(none)
    assert got["fwd_xs_10"].null_count() == got.height > got["fwd_oo_10"].null_count()
    # That another segment follows is an end whatever the market's days are.
    assert got["delisted"].to_list() == (got["segment_no"] < 3).to_list()


def test_liquidity_begins_anew_in_each_segment():
    got = rows(market())
    for length, number in zip(LENGTHS, (1, 2, 3), strict=True):
        part = got.filter(segment_no=number)
        assert part["adv_20"].null_count() == 19
        assert part["sigma_20"].null_count() == 20
        assert part["spread_60"].null_count() == min(60, length)
        assert part["eligible"].sum() == max(0, length - 251)


def test_what_makes_a_row_eligible():
    volume = np.ones(sum(LENGTHS))
    warned = np.zeros(sum(LENGTHS), dtype=np.int32)
    warned[30 + 260] = 1
    features, prices = listing(volume=volume, close=np.full(sum(LENGTHS), 5.0))
    features = features.with_columns(quality_warn_count=pl.Series(warned))
    for trading, eligible in (
        (Trading(True, 5.0, 1e-12), 290 - 251 - 20),
        (Trading(True, 5.1, 1e-12), 0),
        (Trading(False, 0.0, 1e-12), 0),
    ):
        got = with_outcomes(features, prices, market(), trading)
        assert got["eligible"].sum() == eligible
        # Two segments lack the entry of their last row, the third the exit of two.
        assert got["fwd_oo_1"].null_count() == 4


def test_rows_known_at_a_close_do_not_depend_on_what_came_later():
    features, prices = listing()
    whole = rows(market())
    causal = ["adv_20", "sigma_20", "spread_60", "eligible", "open", "segment_no"]
    for cut in (20, 100, 310, 330):
        part = with_outcomes(features.head(cut), prices.head(cut), market(), TRADING)
        assert_frame_equal(part.select(causal), whole.head(cut).select(causal))


def test_the_market_takes_of_each_segment_what_is_eligible():
    features, prices = listing()
    parts = market_parts(Bars.of(features, prices), TRADING)
    assert [len(part.days) for part in parts] == list(LENGTHS)
    assert [part.ended for part in parts] == [True, True, False]
    told = rows(market(last=dates()[-1] + 11))
    for part, number in zip(parts, (1, 2, 3), strict=True):
        of = told.filter(segment_no=number)
        both = np.where(np.isnan(part.outcomes), part.last, part.outcomes)
        for at, h in enumerate(OPEN_BARS):
            expected = of.select(pl.when("eligible").then(f"fwd_oo_{h}")).to_series()
            assert_frame_equal(
                pl.DataFrame({"x": pl.Series(both[at], nan_to_null=True)}),
                pl.DataFrame({"x": expected}),
            )


def test_no_rows_at_all():
    features, prices = listing()
    got = with_outcomes(features.clear(), prices.clear(), market(), TRADING)
    assert got.height == 0 and got.schema == rows(market()).schema


def survival(*cases):
    counted = Survival()
    for instrument, ended, years in cases:
        frame = pl.DataFrame(
            {
                "segment_no": pl.Series([1, 1], dtype=pl.Int16),
                "trade_date": pl.Series([day(0), day(round(365.25 * years))]),
                "delisted": [ended, ended],
            }
        )
        counted.add(frame, instrument == "stock")
    return counted.told()


def test_an_archive_of_survivors_says_so():
    lasting = survival(*[("stock", False, 20)] * 9, ("stock", True, 10))
    assert lasting["delisted_a_year"] == pytest.approx(1 / 190, rel=1e-3)
    assert lasting["survivors_only"] and lasting["note"] == SURVIVORS_NOTE
    whole = survival(*[("stock", False, 20)] * 9, *[("stock", True, 10)] * 3)
    assert not whole["survivors_only"] and whole["note"] is None
    assert (whole["series"], whole["delisted"]) == (12, 3)
    funds = survival(("etf", True, 5))
    assert funds["survivors_only"] is None and funds["delisted"] == 1


def test_segments_that_ended_are_counted_as_series():
    counted = Survival()
    counted.add(rows(market()), is_stock=True)
    assert (counted.series, counted.delisted) == (3, 2)
    assert counted.stock_days == sum(LENGTHS) - 3
