"""Silver indicators: money flow and trend of one ticker from its silver base series."""

from __future__ import annotations

import numpy as np
import polars as pl

from mf_etl.schemas.silver_indicators import (
    CALC_VERSION,
    SCHEMA_VERSION,
    SILVER_INDICATORS,
    TTI_FORMULA_STATUS,
    TTI_PROXY_VERSION,
)
from mf_etl.segments import by_segment
from mf_etl.series import change, divide, exponential, lag, wilder

BASE_COLUMNS = (
    "ticker", "exchange", "trade_date", "trade_dt", "segment_no", "run_id",
    "high", "low", "close", "volume", "tr", "atr_14", "quality_warn_count",
)  # fmt: skip


@by_segment
@np.errstate(over="ignore", invalid="ignore")
def indicator_series(
    base: pl.DataFrame, *, period: int, ema_span: int, eps: float, run_id: str
) -> pl.DataFrame:
    """Twiggs Money Flow, the TTI proxy and what follows from them, one row per bar.

    Causal: row t depends on rows <= t of its segment. Both indicators are null for its first
    `period` − 1 rows and where their denominator is below `eps`. Expects one ticker's
    `BASE_COLUMNS` in ascending, unique trade_date order; gives a `SILVER_INDICATORS` frame.
    """
    h, low, c, v = (base.get_column(name).to_numpy() for name in ("high", "low", "close", "volume"))
    tmf, tti = money_flow_and_trend(h, low, c, v, period=period, eps=eps)
    slope_1, slope_5 = change(tmf, 1, eps), change(tmf, 5, eps)
    slope_before = lag(slope_1)
    undefined = np.isnan(tmf)
    passed_on = ("ticker", "exchange", "trade_date", "trade_dt", "segment_no", "tr", "atr_14")
    values = {
        **{name: base.get_column(name) for name in passed_on},
        "close": c,
        "volume": v,
        "quality_warn_count": base.get_column("quality_warn_count"),
        "tmf_21": tmf,
        "tmf_ready_21": ~undefined,
        "tmf_zero_cross_up": (tmf > 0) & (lag(tmf) <= 0),
        "tmf_zero_cross_down": (tmf < 0) & (lag(tmf) >= 0),
        "tmf_sign": np.sign(tmf),
        "tmf_slope_1": slope_1,
        "tmf_slope_5": slope_5,
        "tmf_ema_5": exponential(tmf, 2.0 / (ema_span + 1.0), min_rows=ema_span),
        "tmf_abs": np.abs(tmf),
        "tmf_above_zero": np.where(undefined, np.nan, tmf > 0),
        "tmf_below_zero": np.where(undefined, np.nan, tmf < 0),
        "tmf_respect_zero_up_candidate": (tmf > 0) & (slope_1 > 0) & (slope_before < 0),
        "tmf_respect_zero_down_candidate": (tmf < 0) & (slope_1 < 0) & (slope_before > 0),
        "tti_proxy_v1_21": tti,
        "tti_proxy_ready_21": ~np.isnan(tti),
        "tti_proxy_zero_cross_up": (tti > 0) & (lag(tti) <= 0),
        "tti_proxy_zero_cross_down": (tti < 0) & (lag(tti) >= 0),
        "tti_proxy_sign": np.sign(tti),
        "tti_formula_status": TTI_FORMULA_STATUS,
        "tti_proxy_version": TTI_PROXY_VERSION,
        "indicator_schema_version": SCHEMA_VERSION,
        "indicator_calc_version": CALC_VERSION,
        "tmf_period": period,
        "run_id": run_id,
    }
    return SILVER_INDICATORS.frame(values, base.height)


def money_flow_and_trend(
    high: np.ndarray,
    low: np.ndarray,
    close: np.ndarray,
    volume: np.ndarray,
    *,
    period: int,
    eps: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Twiggs Money Flow (C. Twiggs, public formulation) and the TTI proxy v1.

    Both weigh where the close lies in the true range, s = (2·close − trh − trl)/(trh − trl): the
    first by volume, the second by the true range itself, each as a ratio of Wilder means. s is 0
    where the true range is below `eps`. The original Twiggs Trend Index is undisclosed; the proxy
    is a stand-in, versioned as such.
    """
    prev_close = lag(close)
    true_high, true_low = np.fmax(high, prev_close), np.fmin(low, prev_close)
    tr = true_high - true_low
    position = np.where(tr < eps, 0.0, divide(2.0 * close - true_high - true_low, tr, eps))
    tmf = divide(wilder(volume * position, period), wilder(volume, period), eps)
    tti = divide(wilder(position * tr, period), wilder(tr, period), eps)
    return tmf, tti
