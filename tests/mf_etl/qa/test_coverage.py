"""Dates on which many tickers begin or end, against a plain count."""

from __future__ import annotations

import json
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.qa.coverage import coverage_steps
from mf_etl.schemas.layer_summary import LAYER_SUMMARY
from mf_etl.schemas.statistics import KEY, statistics_metadata

START = date(2020, 1, 6)  # a Monday
WEEKDAYS = [day for n in range(430) if (day := START + timedelta(days=n)).weekday() < 5]
ITEM = ("statistic", "column", "key", "value")
HOLIDAYS = {WEEKDAYS[7], WEEKDAYS[9], WEEKDAYS[290]}
SCHEMA = {name: LAYER_SUMMARY.schema()[name] for name in (
    "exchange", "ticker", "first_trade_date", "last_trade_date", "statistics",
)}  # fmt: skip


def spans(*groups: tuple[int, int, int], dates: list[date] = WEEKDAYS) -> pl.DataFrame:
    """So many tickers from one of the dates to another, by their numbers."""
    rows: list[tuple] = []
    for count, a, b in groups:
        days = pl.Series("trade_date", dates[a : b + 1])
        text = statistics_metadata(days.to_frame(), {"trade_date": ("edges",)})[KEY]
        items = [dict(zip(ITEM, item, strict=True)) for item in json.loads(text)]
        tickers = [f"T{len(rows) + n}.US" for n in range(count)]
        rows += [("NYSE", ticker, dates[a], dates[b], items) for ticker in tickers]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row", strict=False)


def told(frame: pl.DataFrame, share: float = 0.02, tickers: int = 20) -> list[dict]:
    return coverage_steps(frame, share=share, tickers=tickers)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([(100, 0, 299)], []),
        ([(100, 0, 299), (20, 100, 299)], [{"begin": 20, "end": 0, "alive": 120}]),
        ([(100, 0, 299), (19, 100, 299)], []),
        ([(100, 0, 299), (20, 0, 150)], [{"begin": 0, "end": 20, "alive": 120}]),
        ([(1_000, 0, 299), (20, 100, 299)], []),  # 2 % of 1,020 are more than 20
        ([(979, 0, 299), (20, 100, 299)], [{"begin": 20, "end": 0, "alive": 999}]),
        ([(10, 0, 299), (50, 19, 299)], []),  # the twentieth date
        ([(10, 0, 299), (50, 20, 299)], [{"begin": 50, "end": 0, "alive": 60}]),
        ([(10, 0, 299), (50, 0, 280)], []),  # the last date but 19
        ([(10, 0, 299), (50, 0, 279)], [{"begin": 0, "end": 50, "alive": 60}]),
        ([(500, 0, 50), (100, 0, 299), (20, 200, 299)], [
            {"begin": 0, "end": 500, "alive": 600}, {"begin": 20, "end": 0, "alive": 120},
        ]),
    ],
)  # fmt: skip
def test_dates_of_many(groups, expected):
    found = told(spans(*groups))
    assert [{k: v for k, v in step.items() if k != "trade_date"} for step in found] == expected


@pytest.mark.parametrize(
    ("first", "last", "is_inside"),
    [(19, 299, False), (20, 299, True), (0, 280, False), (0, 279, True)],
)
@pytest.mark.parametrize(
    "dates",
    [
        [day for day in WEEKDAYS if day not in HOLIDAYS],
        [START + timedelta(days=n) for n in range(300)],
    ],
)
def test_dates_of_the_archive_are_counted_and_no_weekdays(dates, first, last, is_inside):
    assert len(told(spans((10, 0, 299), (50, first, last), dates=dates))) == is_inside


def test_the_date_is_named():
    (step,) = told(spans((100, 0, 299), (20, 100, 299)))
    assert step["trade_date"] == WEEKDAYS[100].isoformat()


def test_tickers_without_a_bar_do_not_count():
    nothing = pl.DataFrame([("NYSE", "T.US", None, None, [])], schema=SCHEMA, orient="row")
    assert told(nothing) == told(nothing.clear()) == []


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=60))
def test_counts_are_plain_counts(pairs):
    frame = spans(*((1, min(pair), max(pair)) for pair in pairs))
    first, last = frame["first_trade_date"].to_list(), frame["last_trade_date"].to_list()
    spanned = zip(first, last, strict=True)
    of_archive = {day for a, b in spanned for day in WEEKDAYS if a <= day <= b}
    days = sorted(of_archive)[20:-20]
    expected = []
    for day in days:
        alive = sum(a <= day <= b for a, b in zip(first, last, strict=True))
        step = {"trade_date": day.isoformat(), "begin": first.count(day), "end": last.count(day)}
        if max(step["begin"], step["end"]) >= max(3, 0.1 * alive):
            expected.append(step | {"alive": alive})
    assert told(frame, share=0.1, tickers=3) == expected
