"""Silver indicators against a plain-Python reading and values worked out by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.schemas.silver_indicators import SILVER_INDICATORS
from mf_etl.silver.base import base_series
from mf_etl.silver.indicators import indicator_series, money_flow_and_trend
from tests import oracle
from tests.compare import assert_columns
from tests.conftest import simulated_bars


def series(bars: pl.DataFrame) -> pl.DataFrame:
    base = base_series(bars, eps=1e-12, run_id="a" * 12)
    return indicator_series(base, period=21, ema_span=5, eps=1e-12, run_id="b" * 12)


def plain(bars: pl.DataFrame) -> dict[str, list]:
    return oracle.indicators(*(bars[name].to_list() for name in ("high", "low", "close", "volume")))


@pytest.mark.parametrize("seed", range(4))
def test_every_column_equals_the_plain_reading(seed):
    bars = simulated_bars(300, seed)
    assert_columns(series(bars), plain(bars), relative=1e-9, absolute=1e-12)


def test_tmf_of_real_bars(sample_bars):
    assert_columns(series(sample_bars), plain(sample_bars), relative=1e-9, absolute=1e-11)


def test_hand_computed_money_flow():
    """Two-bar period: s = 1, −1, 0.5 and volumes 10, 20, 30 smooth to −5/15 and 5/22.5."""
    high, low = np.array([2.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0])
    close, volume = np.array([2.0, 1.0, 3.25]), np.array([10.0, 20.0, 30.0])
    tmf, tti = money_flow_and_trend(high, low, close, volume, period=2, eps=1e-12)
    # Bar 2: true high 4, true low min(2, 1) = 1, s = (6.5 − 5)/3 = 0.5.
    assert np.isnan(tmf[0])
    assert tmf[1] == pytest.approx((10 + (-20 - 10) / 2) / 15)
    assert tmf[2] == pytest.approx((-5 + (15 - -5) / 2) / (15 + 15 / 2))
    assert tti[2] == pytest.approx((0 + (1.5 - 0) / 2) / (1 + (3 - 1) / 2))


def test_no_volume_is_never_ready():
    bars = simulated_bars(60).with_columns(volume=0.0)
    frame = series(bars)
    assert not frame["tmf_ready_21"].any()
    assert frame["tmf_21"].null_count() == frame["tmf_above_zero"].null_count() == 60
    assert frame["tti_proxy_ready_21"].sum() == 40


def test_flat_prices_have_no_flow():
    bars = simulated_bars(60).with_columns(open=5.0, high=5.0, low=5.0, close=5.0)
    frame = series(bars)
    assert set(frame["tmf_21"][20:]) == {0.0} and set(frame["tmf_sign"][20:]) == {0}
    assert frame["tti_proxy_v1_21"].null_count() == 60


def test_leaving_zero_is_a_cross():
    """TMF is exactly 0 on flat bars; the first bar that closes at its high leaves it upwards."""
    flat = dict.fromkeys(("open", "high", "low", "close"), 5.0)
    bars = simulated_bars(31).with_columns(volume=100.0, **{n: pl.lit(v) for n, v in flat.items()})
    last = pl.int_range(pl.len()) == 30
    up = series(
        bars.with_columns(
            high=pl.when(last).then(6.0).otherwise("high"),
            close=pl.when(last).then(6.0).otherwise("close"),
        )
    )
    down = series(
        bars.with_columns(
            low=pl.when(last).then(4.0).otherwise("low"),
            close=pl.when(last).then(4.0).otherwise("close"),
        )
    )
    assert up["tmf_zero_cross_up"].to_list()[-2:] == [False, True]
    assert down["tmf_zero_cross_down"].to_list()[-2:] == [False, True]
    assert up["tti_proxy_zero_cross_up"].sum() == 0, "the proxy had no value before"


@pytest.mark.parametrize("rows", [0, 1, 20, 21, 25])
def test_short_histories(rows):
    frame = series(simulated_bars(rows))
    SILVER_INDICATORS.check(frame)
    assert frame["tmf_ready_21"].sum() == max(0, rows - 20)
    assert frame["tmf_ema_5"].is_not_null().sum() == max(0, rows - 24)
