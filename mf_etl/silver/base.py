"""Silver base: one ticker's helper series from its valid bronze bars."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from mf_etl.schemas.silver_base import CALC_VERSION, SCHEMA_VERSION, SILVER_BASE, WARMUP_BARS
from mf_etl.segments import by_segment
from mf_etl.series import (
    divide,
    exponential,
    lag,
    window_max,
    window_mean,
    window_mean_std,
    window_min,
)

BRONZE_COLUMNS = (
    "ticker", "exchange", "trade_date", "trade_dt", "segment_no", "source_file", "run_id",
    "open", "high", "low", "close", "volume", "openint", "quality_warn_count",
)  # fmt: skip


@by_segment
@np.errstate(over="ignore", invalid="ignore")
def base_series(bars: pl.DataFrame, *, eps: float, run_id: str) -> pl.DataFrame:
    """Price geometry, returns, true range, liquidity and rolling context, one row per bar.

    Causal: row t depends on rows <= t of its segment. A window that is not yet full is null, and so
    is a quotient whose denominator is below `eps` in magnitude. Expects one ticker's
    `BRONZE_COLUMNS` in ascending, unique trade_date order; gives a `SILVER_BASE` frame. Prices and
    ranges are in currency, volumes in shares, returns fractions.
    """
    o, h, low, c, v = (
        bars.get_column(name).to_numpy() for name in ("open", "high", "low", "close", "volume")
    )
    row_number = np.arange(1, bars.height + 1)
    hl_range = h - low
    range_safe = np.maximum(hl_range, eps)
    prev_close = lag(c)
    tr = true_range(h, low, prev_close)
    atr_14 = average_true_range(tr, 14)
    dollar_volume = c * v
    vol_sma_20, vol_std_20 = window_mean_std(v, 20)
    close_sma = {n: window_mean(c, n) for n in (20, 50, 200)}
    complete = {n: row_number >= n for n in WARMUP_BARS}
    passed_on = (
        "ticker", "exchange", "trade_date", "trade_dt", "segment_no", "source_file", "openint",
    )  # fmt: skip
    values = {
        **{name: bars.get_column(name) for name in passed_on},
        "run_id": run_id,
        "schema_version": SCHEMA_VERSION,
        "silver_calc_version": CALC_VERSION,
        "open": o,
        "high": h,
        "low": low,
        "close": c,
        "volume": v,
        "hl_range": hl_range,
        "body": c - o,
        "body_abs": np.abs(c - o),
        "range_safe": range_safe,
        "body_to_range": (c - o) / range_safe,
        "close_pos_in_range": (c - low) / range_safe,
        "open_pos_in_range": (o - low) / range_safe,
        "hlc3": (h + low + c) / 3.0,
        "ohlc4": (o + h + low + c) / 4.0,
        "prev_close": prev_close,
        "ret_1d": divide(c, prev_close, eps) - 1.0,
        "ret_5d": divide(c, lag(c, 5), eps) - 1.0,
        "ret_20d": divide(c, lag(c, 20), eps) - 1.0,
        "gap_from_prev_close": divide(o, prev_close, eps) - 1.0,
        "tr": tr,
        "atr_14": atr_14,
        "atr_pct_14": divide(atr_14, c, eps),
        "range_pct_close": divide(hl_range, c, eps),
        "dollar_volume": dollar_volume,
        "vol_sma_20": vol_sma_20,
        "vol_ratio_20": divide(v, vol_sma_20, eps),
        "dollar_vol_sma_20": window_mean(dollar_volume, 20),
        "volume_z_20": divide(v - vol_sma_20, vol_std_20, eps),
        "high_20": window_max(h, 20),
        "low_20": window_min(low, 20),
        **{f"close_sma_{n}": sma for n, sma in close_sma.items()},
        **{f"close_vs_sma{n}": divide(c, sma, eps) - 1.0 for n, sma in close_sma.items()},
        **{f"warmup_{n}_complete": done for n, done in complete.items()},
        "silver_ready_base": complete[50],
        "quality_warn_count": bars.get_column("quality_warn_count"),
    }
    return SILVER_BASE.frame(values, bars.height)


def true_range(
    high: npt.NDArray[np.float64], low: npt.NDArray[np.float64], prev_close: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Wilder's true range (1978); high − low where there is no previous close."""
    spread: npt.NDArray[np.float64] = np.fmax(high, prev_close) - np.fmin(low, prev_close)
    return spread


def average_true_range(tr: np.ndarray, period: int) -> np.ndarray:
    """Wilder's average true range (1978), seeded as TA-Lib does it.

    The first value, on row `period`, is the mean of the true ranges of rows 1 to `period`: the range
    of row 0 has no previous close and is left out. Undefined before.
    """
    average = np.full(len(tr), np.nan)
    if len(tr) > period:
        seeded = tr[period:].copy()
        seeded[0] = tr[1 : period + 1].mean()
        average[period:] = exponential(seeded, 1.0 / period)
    return average
