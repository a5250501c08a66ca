"""Nothing is computed across segments: each reads as a ticker of its own, by plain Python too."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.schemas.gold_features import GOLD_FEATURES
from mf_etl.segments import by_segment, segment_numbers
from tests import oracle
from tests.compare import assert_columns
from tests.conftest import simulated_bars
from tests.mf_etl.test_causality import layers

HOLES = (1, 30, 31, 120, 260)


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return simulated_bars(400, 3, holes=HOLES)


def test_numbers_follow_the_gaps(bars):
    numbers = oracle.days_to_segments(bars["trade_date"].to_list())
    assert bars["segment_no"].to_list() == numbers
    assert sorted(set(numbers)) == [1, 2, 3, 4, 5, 6]


@given(st.lists(st.integers(1, 500), max_size=40), st.integers(30, 500))
def test_numbers_of_any_days(steps, gap_days):
    days = np.cumsum(np.array(steps, dtype=float))
    expected = [1 + sum(step > gap_days for step in steps[1 : t + 1]) for t in range(len(steps))]
    got = segment_numbers(days, gap_days)
    assert got.dtype == np.int16 and got.tolist() == expected


def test_more_segments_than_an_int16_holds_end_in_the_last():
    numbers = segment_numbers(np.arange(40_000.0) * 31, 30)
    assert numbers[-1] == 32_767 and (np.diff(numbers) >= 0).all()


def test_every_layer_equals_that_of_each_segment_alone(bars):
    whole = layers(bars)
    for number in range(1, 7):
        alone = layers(bars.filter(pl.col("segment_no") == number))
        for name, frame in alone.items():
            part = whole[name].filter(pl.col("segment_no") == number)
            assert part.equals(frame), (name, number)
    GOLD_FEATURES.check(whole["features"])


def test_every_layer_equals_the_plain_reading_of_each_segment(bars):
    got = layers(bars)
    segments = oracle.days_to_segments(bars["trade_date"].to_list())

    def columns(frame: pl.DataFrame, *names: str) -> list[list]:
        return [frame[name].to_list() for name in names]

    prices = ("open", "high", "low", "close", "volume")
    base = oracle.apart(oracle.base, segments, *columns(bars, *prices))
    assert_columns(got["base"], base, absolute=1e-7)
    rows = [segments[: t + 1].count(segment) for t, segment in enumerate(segments)]
    for n in (14, 20, 50, 200):
        assert got["base"][f"warmup_{n}_complete"].to_list() == [row >= n for row in rows]
    indicators = oracle.apart(oracle.indicators, segments, *columns(bars, *prices[1:]))
    assert_columns(got["indicators"], indicators, absolute=1e-11)
    names = (
        "tmf_21", "tti_proxy_v1_21", "tmf_slope_1", "tmf_zero_cross_up", "tmf_zero_cross_down",
        "tti_proxy_zero_cross_up", "tti_proxy_zero_cross_down",
    )  # fmt: skip
    events = oracle.apart(oracle.events, segments, *columns(got["indicators"], *names))
    assert_columns(got["events"], events)
    table = got["events"].to_dict(as_series=False)

    def reading(*lists: list) -> dict[str, list]:
        return oracle.features(dict(zip(table, lists, strict=True)))

    assert_columns(got["features"], oracle.apart(reading, segments, *table.values()))


def test_no_row_or_one_segment_is_computed_once():
    calls: list[int] = []

    @by_segment
    def compute(frame: pl.DataFrame) -> pl.DataFrame:
        calls.append(frame.height)
        return frame

    empty = pl.DataFrame({"segment_no": []}, schema={"segment_no": pl.Int16})
    compute(empty)
    compute(pl.DataFrame({"segment_no": [1, 1]}, schema=empty.schema))
    assert calls == [0, 2]
