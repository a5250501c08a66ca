"""Gold events against a plain-Python reading and hand-made indicator paths."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.gold.events import Grammar, event_series
from mf_etl.schemas.gold_events import FLOW_STATES, GOLD_EVENTS
from mf_etl.silver.base import base_series
from mf_etl.silver.indicators import indicator_series
from tests import oracle
from tests.compare import assert_columns
from tests.conftest import simulated_bars


def indicators(bars: pl.DataFrame) -> pl.DataFrame:
    base = base_series(bars, eps=1e-12, run_id="a" * 12)
    return indicator_series(base, period=21, ema_span=5, eps=1e-12, run_id="b" * 12)


def events(frame: pl.DataFrame, **grammar) -> pl.DataFrame:
    return event_series(frame, grammar=Grammar(**grammar), run_id="c" * 12)


def plain(frame: pl.DataFrame, **grammar) -> dict[str, list]:
    names = (
        "tmf_21", "tti_proxy_v1_21", "tmf_slope_1", "tmf_zero_cross_up", "tmf_zero_cross_down",
        "tti_proxy_zero_cross_up", "tti_proxy_zero_cross_down",
    )  # fmt: skip
    return oracle.events(*(frame[name].to_list() for name in names), **grammar)


def path(*tmf: float) -> pl.DataFrame:
    """Indicators whose TMF takes these values on its first ready rows (row 20 on)."""
    rows = 20 + len(tmf)
    frame = indicators(simulated_bars(rows))
    m = np.array([np.nan] * 20 + list(tmf))
    before = np.concatenate([[np.nan], m[:-1]])
    return frame.with_columns(
        tmf_21=pl.Series(m, nan_to_null=True),
        tmf_slope_1=pl.Series(m - before, nan_to_null=True),
        tmf_zero_cross_up=pl.Series((m > 0) & (before <= 0)),
        tmf_zero_cross_down=pl.Series((m < 0) & (before >= 0)),
    )


@pytest.mark.parametrize("seed", range(4))
def test_every_column_equals_the_plain_reading(seed):
    frame = indicators(simulated_bars(400, seed))
    assert_columns(events(frame), plain(frame))


def test_real_bars_have_every_event(sample_bars):
    frame = indicators(sample_bars)
    got = events(frame)
    assert_columns(got, plain(frame))
    silent = [c for c in got.columns if c.startswith("ev_") and not got[c].any()]
    assert silent == []
    assert set(got["flow_state_code"].unique()) == {0, 1, 2, 3, 4}


def test_parameters_are_used():
    frame = indicators(simulated_bars(400, 7))
    got = events(
        frame,
        respect_fail_window=3,
        hold_consecutive_bars=2,
        burst_abs_threshold=0.05,
        burst_slope_threshold=0.01,
    )
    assert_columns(got, plain(frame, window=3, hold=2, strong=0.05, steep=0.01))


def test_a_pivot_is_an_event_on_the_bar_that_confirms_it():
    got = events(path(0.3, 0.1, 0.2))
    assert got["ev_tmf_pivot_low"].to_list()[-3:] == [False, False, True]
    assert got["ev_tmf_respect_zero_up"].to_list()[-3:] == [False, False, True]


def test_a_respect_fails_by_a_cross_within_ten_bars():
    respected = (0.3, 0.1, 0.2)
    within = events(path(*respected, *[0.2] * 9, -0.1))
    beyond = events(path(*respected, *[0.2] * 10, -0.1))
    assert within["ev_tmf_respect_fail_up"][-1]
    assert not beyond["ev_tmf_respect_fail_up"][-1]


def test_a_hold_needs_five_bars_in_a_row():
    got = events(path(0.1, 0.1, 0.1, 0.1, 0.1, -0.1, 0.1))
    assert got["ev_tmf_hold_pos"].to_list()[-7:] == [False] * 4 + [True, False, False]


def test_states_follow_each_other():
    got = events(path(-0.1, 0.1, 0.1, 0.1, 0.1, 0.1, -0.1, -0.1, 0.0, 0.0))
    assert got["flow_state_code"].to_list()[-10:] == [0, 1, 1, 1, 1, 2, 3, 3, 0, 0]
    assert got["flow_state_label"][-5] == FLOW_STATES[2]


def test_bars_since_counts_from_the_event():
    got = events(path(-0.1, 0.1, 0.2, 0.3, -0.1, 0.1))
    assert got["bs_tmf_zero_up"].to_list()[-6:] == [None, 0, 1, 2, 3, 0]
    assert got["bs_tmf_zero_down"].to_list()[-6:] == [None] * 4 + [0, 1]


@pytest.mark.parametrize("rows", [0, 1, 2, 21, 22])
def test_short_histories(rows):
    GOLD_EVENTS.check(events(indicators(simulated_bars(rows))))
