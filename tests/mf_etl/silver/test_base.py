"""Silver base: against plain Python, TA-Lib and values worked out by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import talib

from mf_etl.schemas.silver_base import SILVER_BASE
from mf_etl.silver.base import average_true_range, base_series
from tests import oracle
from tests.compare import assert_columns
from tests.conftest import bronze_of, raw_file, raw_row, simulated_bars


def series(bars: pl.DataFrame) -> pl.DataFrame:
    return base_series(bars, eps=1e-12, run_id="0123456789ab")


def arrays(bars: pl.DataFrame) -> list[np.ndarray]:
    return [bars[name].to_numpy() for name in ("open", "high", "low", "close", "volume")]


@pytest.mark.parametrize("seed", range(4))
def test_every_column_equals_the_plain_reading(seed):
    bars = simulated_bars(260, seed)
    expected = oracle.base(*(array.tolist() for array in arrays(bars)))
    assert_columns(series(bars), expected, absolute=1e-7)


def test_atr_equals_talib_on_real_bars(sample_bars):
    _, high, low, close, _ = arrays(sample_bars)
    expected = talib.ATR(high, low, close, timeperiod=14)
    got = series(sample_bars)["atr_14"].to_numpy()
    assert np.isnan(got[:14]).all() and not np.isnan(got[14:]).any()
    np.testing.assert_allclose(got[14:], expected[14:], rtol=1e-9, atol=0)


def test_hand_computed_rows():
    bars = bronze_of(
        raw_file(
            raw_row("20240102", 10, 12, 9, 11, 100),
            raw_row("20240103", 13, 14, 12, 12.5, 200),
            raw_row("20240104", 5, 5, 5, 5, 0),
        )
    ).bars
    first, second, third = series(bars).to_dicts()
    assert first["tr"] == 3 and first["prev_close"] is None and first["ret_1d"] is None
    assert second["tr"] == 3, "14 − 11, from the previous close"
    assert second["ret_1d"] == pytest.approx(12.5 / 11 - 1)
    assert second["gap_from_prev_close"] == pytest.approx(13 / 11 - 1)
    assert second["body_to_range"] == -0.25 and second["close_pos_in_range"] == 0.25
    assert second["hlc3"] == pytest.approx(38.5 / 3) and second["ohlc4"] == pytest.approx(51.5 / 4)
    assert third["tr"] == 7.5 and third["hl_range"] == 0 and third["range_safe"] == 1e-12
    assert third["body_to_range"] == 0 and third["dollar_volume"] == 0


def test_atr_is_seeded_with_the_mean_of_bars_1_to_14():
    tr = np.array([100.0, *range(1, 16)])
    got = average_true_range(tr, 14)
    assert np.isnan(got[:14]).all()
    assert got[14] == 7.5
    assert got[15] == pytest.approx((13 * 7.5 + 15) / 14)


def test_constant_volume_after_wild_volume_has_no_z():
    """A running sum would leave a deviation that is not quite 0, and a z that is nonsense."""
    rows = [raw_row(f"202401{d:02d}", 10, 11, 9, 10, 10**14 / d) for d in range(1, 8)]
    rows += [
        raw_row(f"2024{m:02d}{d:02d}", 10, 11, 9, 10, 0.1) for m in (2, 3) for d in range(1, 21)
    ]
    got = series(bronze_of(raw_file(*rows)).bars)
    assert got["volume_z_20"][-20:].null_count() == 20
    assert got["vol_ratio_20"][-1] == 1.0


def test_an_absurd_price_leaves_no_trace_after_its_window():
    rows = [raw_row("20231229", 1e15, 1e15, 1e15, 1e15, 1)]
    rows += [
        raw_row(f"2024{m:02d}{d:02d}", 0.3, 0.4, 0.2, 0.3, 1) for m in (1, 2) for d in range(1, 21)
    ]
    got = series(bronze_of(raw_file(*rows)).bars)
    assert got["close_sma_20"][-1] == pytest.approx(0.3, rel=1e-15)


@pytest.mark.parametrize("rows", [0, 1, 13, 14, 15, 49, 50])
def test_short_histories(rows):
    frame = series(simulated_bars(rows))
    SILVER_BASE.check(frame)
    assert frame.height == rows
    assert frame["silver_ready_base"].sum() == max(0, rows - 49)
    assert frame["atr_14"].is_not_null().sum() == max(0, rows - 14)
