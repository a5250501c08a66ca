"""Days on which the simulated exchanges are open: a fixed rule set, not a record of the past."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import numpy as np

MONDAY, THURSDAY = 0, 3
# The first year of the two holidays that are younger than the data.
FIRST_KING_DAY, FIRST_JUNETEENTH = 1998, 2022


@lru_cache(maxsize=8)
def trading_days(first: date, last: date) -> np.ndarray:
    """Trading days from `first` to `last`, both included, as datetime64[D], ascending, read-only.

    Weekdays without the ten regular NYSE holidays. A holiday on a Saturday is kept on the Friday
    before, except New Year's Day, which is then not kept; one on a Sunday on the Monday after.
    Unscheduled closures (mourning, storms, September 2001) are trading days here.
    """
    every = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    weekdays = every[np.is_busday(every)]
    closed = [day for year in range(first.year, last.year + 1) for day in holidays(year)]
    days = weekdays[~np.isin(weekdays, np.array(closed, dtype="M8[D]"))]
    days.flags.writeable = False
    return days


def holidays(year: int) -> list[date]:
    """The days of `year` that are holidays of the exchange, as observed."""
    days = [
        _nth_weekday(year, 2, MONDAY, 3),
        easter(year) - timedelta(days=2),
        _nth_weekday(year, 6, MONDAY, 1) - timedelta(days=7),
        _observed(date(year, 7, 4)),
        _nth_weekday(year, 9, MONDAY, 1),
        _nth_weekday(year, 11, THURSDAY, 4),
        _observed(date(year, 12, 25)),
    ]
    if date(year, 1, 1).weekday() != 5:
        days.append(_observed(date(year, 1, 1)))
    if year >= FIRST_KING_DAY:
        days.append(_nth_weekday(year, 1, MONDAY, 3))
    if year >= FIRST_JUNETEENTH:
        days.append(_observed(date(year, 6, 19)))
    return sorted(days)


def easter(year: int) -> date:
    """Gregorian Easter Sunday by the calendar of golden numbers, epacts and Sunday letters.

    Follows Lilius' reform of 1582 as given by Knuth, The Art of Computer Programming 1, 1.3.2.
    """
    golden = year % 19 + 1
    century = year // 100 + 1
    skipped_leap_days = 3 * century // 4 - 12
    moon_correction = (8 * century + 5) // 25 - 5
    sunday = 5 * year // 4 - skipped_leap_days - 10
    epact = (11 * golden + 20 + moon_correction - skipped_leap_days) % 30
    if epact == 24 or (epact == 25 and golden > 11):
        epact += 1
    full_moon = 44 - epact
    if full_moon < 21:
        full_moon += 30
    days_after_february = full_moon + 7 - (sunday + full_moon) % 7
    return date(year, 3, 1) + timedelta(days=days_after_february - 1)


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _observed(day: date) -> date:
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))
