"""Sides, periods and the purge, row by row."""

from __future__ import annotations

import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.outcomes import outcome_end
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.preparation.splits import settled, train_end_by_share, with_split
from tests.mf_etl.research.datasets.cases import day


def split(days: list[datetime.date], keep: list[bool] | None = None, **spec) -> pl.DataFrame:
    """Split columns of a listing with these days, of which a dataset holds those to `keep`."""
    dates = pl.Series("trade_date", days, dtype=pl.Date)
    ends = pl.Series(outcome_end(dates.to_physical().to_numpy())).cast(pl.Date)
    rows = pl.DataFrame([dates, ends.alias("outcome_end_date")])
    if keep is not None:
        rows = rows.filter(pl.Series(keep, dtype=pl.Boolean))
    return with_split(rows, PreparationSpec(**spec))


def flags(rows: pl.DataFrame, name: str) -> str:
    return "".join("x" if value else "." for value in rows[name])


TIME = {"split_mode": "time", "train_end": day(3), "test_start": day(6), "test_end": day(8)}


@pytest.mark.parametrize(
    ("sides", "fit", "predict"),
    [
        ({}, "xxxx......", "xxxxxxxxxx"),
        ({"predict_on": "test"}, "xxxx......", "......xxx."),
        ({"predict_on": "train"}, "xxxx......", "xxxx......"),
        ({"fit_on": "all", "predict_on": "test"}, "xxxxxxxxxx", "......xxx."),
    ],
)
def test_sides(sides, fit, predict):
    got = split([day(n) for n in range(10)], **TIME, **sides)
    assert flags(got, "is_fit") == fit and flags(got, "is_predict") == predict
    periods = ["train"] * 4 + ["between"] * 2 + ["test"] * 3 + ["after"]
    assert got["period"].to_list() == periods


def test_without_a_split_every_row_is_on_both_sides():
    got = split([day(n) for n in range(30)], split_mode="none")
    assert got["is_fit"].all() and got["is_predict"].all()
    assert not got["outcome_purged"].any() and set(got["period"]) == {"all"}


def weekdays(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    days = (first + datetime.timedelta(n) for n in range((last - first).days + 1))
    return [one for one in days if one.weekday() < 5]


def test_a_split_that_is_not_named_follows_the_data():
    """70 % of ten years of trading days are reached in the seventh: it ends with its last day."""
    days = weekdays(datetime.date(2010, 1, 1), datetime.date(2019, 12, 31))
    assert train_end_by_share(days, 0.7) == datetime.date(2016, 12, 30)
    assert settled(PreparationSpec(), days).first_test_day == datetime.date(2016, 12, 31)
    assert train_end_by_share(days, 0.5) == datetime.date(2014, 12, 31)


def test_it_does_not_move_every_evening():
    days = weekdays(datetime.date(2010, 1, 1), datetime.date(2021, 6, 30))
    ends = {train_end_by_share(days[:n], 0.7) for n in range(2500, len(days))}
    assert len(ends) <= 3 and all((end.month, end.day) >= (12, 29) for end in ends)


def test_where_the_year_is_the_last_the_month_decides():
    days = weekdays(datetime.date(2020, 1, 1), datetime.date(2020, 12, 31))
    assert train_end_by_share(days, 0.7) == datetime.date(2020, 9, 30)
    few = weekdays(datetime.date(2020, 1, 1), datetime.date(2020, 1, 20))
    assert train_end_by_share(few, 0.7) is None
    with pytest.raises(
        ResearchError, match=r"70% of the days leaves no day to test on: .* 2020-01-01"
    ):
        settled(PreparationSpec(), few)


@pytest.mark.parametrize("end", [day(9), day(400)])
def test_a_train_end_after_the_last_day_tells_the_range(end):
    message = f"train_end {end} leaves no day to test on: the dataset covers {day(0)} to {day(9)}"
    with pytest.raises(ResearchError, match=message):
        settled(PreparationSpec(train_end=end), [day(n) for n in range(10)])


def test_purge_counts_trading_rows_not_days():
    """Rows 21 trading days before the first test row reach it, however far apart the days are."""
    days = [day(3 * n) for n in range(60)]
    got = split(days, split_mode="time", train_end=days[39])
    assert flags(got, "outcome_purged") == "." * 19 + "x" * 21 + "." * 20


def test_purge_of_a_listing_that_ends_soon():
    """What ends within 21 rows looks at its last day, if at anything: it reaches into the test."""
    days = [day(n) for n in range(41)]
    got = split(days, split_mode="time", train_end=days[37])
    assert flags(got, "outcome_purged") == "." * 17 + "x" * 21 + "." * 3


def test_purge_across_a_gap_between_train_and_test():
    days = [day(n) for n in range(60)]
    got = split(days, split_mode="time", train_end=days[20], test_start=days[30])
    assert flags(got, "outcome_purged") == "." * 9 + "x" * 12 + "." * 39


@given(st.data())
def test_purge_equals_the_plain_reading_whatever_rows_are_dropped(data):
    steps = data.draw(st.lists(st.integers(1, 9), max_size=70))
    days = [day(sum(steps[: n + 1])) for n in range(len(steps))]
    keep = data.draw(st.lists(st.booleans(), min_size=len(days), max_size=len(days)))
    train_end = data.draw(st.integers(0, 400))
    gap = data.draw(st.integers(1, 30))
    test_start = day(train_end + gap)
    got = split(days, keep, split_mode="time", train_end=day(train_end), test_start=test_start)

    def reaches(t: int) -> bool:
        return days[t] <= day(train_end) and days[min(t + 21, len(days) - 1)] >= test_start

    held = [t for t in range(len(days)) if keep[t]]
    assert got["outcome_purged"].to_list() == [reaches(t) for t in held]
    assert got["is_fit"].to_list() == [days[t] <= day(train_end) for t in held]
