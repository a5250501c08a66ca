"""The calendar of synthetic archives against holidays that the exchange has published."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from mf_etl.synth.trading_days import easter, holidays, trading_days


def test_holidays_of_2024():
    expected = [
        (1, 1),
        (1, 15),
        (2, 19),
        (3, 29),
        (5, 27),
        (6, 19),
        (7, 4),
        (9, 2),
        (11, 28),
        (12, 25),
    ]
    assert holidays(2024) == [date(2024, month, day) for month, day in expected]


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2021, 12, 31), True),  # New Year's Day 2022 is a Saturday and not kept
        (date(2022, 6, 20), False),  # Juneteenth on a Sunday
        (date(2020, 7, 3), False),  # Independence Day on a Saturday
        (date(2021, 12, 24), False),  # Christmas on a Saturday
        (date(2023, 1, 2), False),  # New Year's Day on a Sunday
        (date(1997, 1, 20), True),  # King Day before it was kept
        (date(1998, 1, 19), False),
        (date(2021, 6, 18), True),  # Juneteenth before it was kept
        (date(2024, 6, 15), False),  # a Saturday
    ],
)
def test_a_day_is_open_or_not(day, is_open):
    assert (len(trading_days(day, day)) == 1) is is_open


@pytest.mark.parametrize(
    "day",
    [date(1981, 4, 19), date(2000, 4, 23), date(2008, 3, 23), date(2011, 4, 24), date(2025, 4, 20)],
)
def test_easter(day):
    assert easter(day.year) == day


def test_a_year_has_about_252_days_in_order():
    days = trading_days(date(2001, 1, 1), date(2020, 12, 31))
    assert (np.diff(days) > np.timedelta64(0)).all()
    assert 250.5 < len(days) / 20 < 253
