"""Numbers, dates and states as people read them."""

from __future__ import annotations

import polars as pl
import pytest

from mf_etl.report import words


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"), (float("nan"), "–"), (0, "0"), (5.0, "5"), (-3, "−3"), (1234567, "1,234,567"),
        (0.1333, "0.1333"), (0.05, "0.05000"), (-6.6954, "−6.695"), (1.188e-10, "1.188e−10"),
        (123456.789, "123,457"),
    ],
)  # fmt: skip
def test_numbers(value, told):
    assert words.number(value) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "–"), (9_999, "9,999"), (12_172, "12.2 k"), (20_300_000, "20.3 M"), (2.5e9, "2.5 bn"),
     (412_000_000, "412 M")],
)  # fmt: skip
def test_large_counts(value, told):
    assert words.short(value) == told


def test_shares_returns_days_and_counts():
    assert words.percent(0.1234) == "12.3 %" and words.percent(None) == "–"
    assert words.basis_points(0.00685) == "+68.5" and words.basis_points(-0.0007) == "−7.0"
    assert words.day("2013-03-01") == "1 March 2013" and words.day(None) == "–"
    assert [words.plural(n, "file") for n in (0, 1, 1200)] == ["no file", "1 file", "1,200 files"]


def test_states_are_named_by_what_they_are_like():
    """By hand: activity of all rows is (100·9 + 300·2)/400 = 3.75; 9/3.75 > 1.25, 2/3.75 < 0.8."""
    profile = pl.DataFrame(
        {
            "hmm_state": [-1, 0, 1, 2],
            "rows": [0, 100, 300, 0],
            "tmf_21_mean": [None, -0.2, 0.05, 0.02],
            "flow_activity_20_mean": [None, 9.0, 2.0, None],
        }
    )
    assert words.state_names(profile, "hmm_state") == {
        -1: "noise",
        0: "0 · strong outflow, busy",
        1: "1 · inflow, calm",
        2: "2 · balanced",
    }


def test_states_without_these_features_are_numbers():
    profile = pl.DataFrame({"cluster_id": [0, 1], "rows": [1, 1], "close_mean": [1.0, 2.0]})
    assert words.state_names(profile, "cluster_id") == {0: "0", 1: "1"}
