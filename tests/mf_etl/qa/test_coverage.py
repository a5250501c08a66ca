"""Dates on which many tickers begin or end, against a plain count."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.qa.coverage import coverage_steps

START = date(2020, 1, 6)  # a Monday
WEEKDAYS = [day for n in range(420) if (day := START + timedelta(days=n)).weekday() < 5]
SCHEMA = {"first_trade_date": pl.Date, "last_trade_date": pl.Date}


def spans(*groups: tuple[int, int, int]) -> pl.DataFrame:
    """So many tickers from one weekday to another, by their numbers."""
    rows = [(WEEKDAYS[a], WEEKDAYS[b]) for count, a, b in groups for _ in range(count)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


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


def test_the_date_is_named():
    (step,) = told(spans((100, 0, 299), (20, 100, 299)))
    assert step["trade_date"] == WEEKDAYS[100].isoformat()


def test_tickers_without_a_bar_do_not_count():
    nothing = pl.DataFrame({"first_trade_date": [None], "last_trade_date": [None]}, schema=SCHEMA)
    assert told(nothing) == told(nothing.clear()) == []


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=60))
def test_counts_are_plain_counts(pairs):
    frame = spans(*((1, min(pair), max(pair)) for pair in pairs))
    first, last = frame["first_trade_date"].to_list(), frame["last_trade_date"].to_list()
    days = WEEKDAYS[WEEKDAYS.index(min(first)) + 20 : WEEKDAYS.index(max(last)) - 19]
    expected = []
    for day in days:
        alive = sum(a <= day <= b for a, b in zip(first, last, strict=True))
        step = {"trade_date": day.isoformat(), "begin": first.count(day), "end": last.count(day)}
        if max(step["begin"], step["end"]) >= max(3, 0.1 * alive):
            expected.append(step | {"alive": alive})
    assert told(frame, share=0.1, tickers=3) == expected
