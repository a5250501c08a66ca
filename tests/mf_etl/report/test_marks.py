"""Marks within tables."""

from __future__ import annotations

import re

import pytest

from mf_etl.report import marks


def test_an_interval_on_its_axis():
    """On an axis from −1 to 3: 0 is at a quarter, 1 at half, 2 at three quarters."""
    text = str(marks.interval(0.0, 1.0, 2.0, (-1.0, 3.0)))
    assert 'x1="25.0%" x2="25.0%"' in text and 'cx="50.0%"' in text
    assert 'x1="25.0%" x2="75.0%" y1="8"' in text and 'aria-hidden="true"' in text
    assert marks.interval(None, None, None, (0.0, 1.0)) == ""
    assert "range" not in marks.interval(None, 1.0, None, (0.0, 2.0))


def test_the_axis_holds_all_and_nothing():
    low, high = marks.reach_of([1.0, None, 3.0])
    assert low < 0 < 3 < high
    assert marks.reach_of([]) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [(0, 1, [0, 0.5, 1]), (0, 10, [0, 5, 10]), (-0.3, 0.3, [-0.2, 0, 0.2]), (3, 3, [3])],
)
def test_ticks_are_round(low, high, found):
    assert marks.ticks(low, high, 3) == found


def test_cells_are_shaded_by_size_and_sign():
    assert "--v:0.500" in marks.shade(0.1, 0.2, "10 %") and "minus" not in marks.shade(0.1, 0.2, "")
    assert 'class="shade minus"' in marks.shade(-0.1, 0.2, "")
    assert "–" in marks.shade(float("nan"), 1.0, "")
    assert "&lt;" in marks.shade(0.1, 0.2, "<b>")


def test_a_curve_runs_from_the_first_to_the_last_point():
    text = str(
        marks.curve(
            [("first", [1.0, 10.0, 100.0], [1.0, 0.5, 0.0]), ("second", [1.0, None], [1.0, 0.2])],
            title="T", x_label="days", y_label="share", log_x=True, low=0.0, high=1.0,
        )
    )  # fmt: skip
    path = re.search(
        r'class="first" d="M([\d.]+),([\d.]+) L([\d.]+),([\d.]+) L([\d.]+),([\d.]+)"', text
    )
    x0, y0, x1, y1, x2, y2 = (float(value) for value in path.groups())
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2), "decades are as wide as each other"
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.2)
    assert ">100<" in text and 'role="img" aria-label="T"' in text
    assert marks.curve([("first", [], [])], title="", x_label="", y_label="") == ""
