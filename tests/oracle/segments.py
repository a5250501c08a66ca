"""Each segment of a ticker read by itself."""

from __future__ import annotations

from collections.abc import Callable


def days_to_segments(days: list, gap_days: int = 365) -> list[int]:
    """Segment of each date: another after more than `gap_days` days without a row."""
    numbers: list[int] = []
    for t, day in enumerate(days):
        if t == 0:
            numbers.append(1)
        else:
            numbers.append(numbers[-1] + ((day - days[t - 1]).days > gap_days))
    return numbers


def apart(
    reading: Callable[..., dict[str, list]], segments: list[int], *columns: list, **options
) -> dict[str, list]:
    """`reading` of the columns of each segment, one after the other."""
    joined: dict[str, list] = {}
    for number in sorted(set(segments)):
        rows = [t for t, segment in enumerate(segments) if segment == number]
        part = reading(*([column[t] for t in rows] for column in columns), **options)
        for name, values in part.items():
            joined.setdefault(name, []).extend(values)
    return joined
