"""Silver base series and indicators."""

from __future__ import annotations

from tests.oracle.series import EPS, Value, back, deviation, mean, minus, quotient, rolling


def base(o, h, l, c, v) -> dict[str, list[Value]]:  # noqa: E741
    n = range(len(c))
    prev = [back(c, t, 1) for t in n]
    tr = [
        h[t] - l[t] if t == 0 else max(h[t] - l[t], abs(h[t] - prev[t]), abs(l[t] - prev[t]))
        for t in n
    ]
    atr: list[Value] = [None] * len(c)
    for t in n:
        if t == 14:
            atr[t] = mean(tr[1:15])
        elif t > 14:
            atr[t] = (13 * atr[t - 1] + tr[t]) / 14
    mean20, std20 = rolling(v, 20, mean), rolling(v, 20, deviation)
    sma = {k: rolling(c, k, mean) for k in (20, 50, 200)}
    safe = [max(h[t] - l[t], EPS) for t in n]
    return {
        "hl_range": [h[t] - l[t] for t in n],
        "body": [c[t] - o[t] for t in n],
        "body_abs": [abs(c[t] - o[t]) for t in n],
        "range_safe": safe,
        "body_to_range": [(c[t] - o[t]) / safe[t] for t in n],
        "close_pos_in_range": [(c[t] - l[t]) / safe[t] for t in n],
        "open_pos_in_range": [(o[t] - l[t]) / safe[t] for t in n],
        "hlc3": [(h[t] + l[t] + c[t]) / 3 for t in n],
        "ohlc4": [(o[t] + h[t] + l[t] + c[t]) / 4 for t in n],
        "prev_close": prev,
        **{f"ret_{k}d": [minus(quotient(c[t], back(c, t, k)), 1) for t in n] for k in (1, 5, 20)},
        "gap_from_prev_close": [minus(quotient(o[t], prev[t]), 1) for t in n],
        "tr": tr,
        "atr_14": atr,
        "atr_pct_14": [quotient(atr[t], c[t]) for t in n],
        "range_pct_close": [quotient(h[t] - l[t], c[t]) for t in n],
        "dollar_volume": [c[t] * v[t] for t in n],
        "vol_sma_20": mean20,
        "vol_ratio_20": [quotient(v[t], mean20[t]) for t in n],
        "dollar_vol_sma_20": rolling([c[t] * v[t] for t in n], 20, mean),
        "volume_z_20": [quotient(minus(v[t], mean20[t]), std20[t]) for t in n],
        "high_20": rolling(h, 20, max),
        "low_20": rolling(l, 20, min),
        **{f"close_sma_{k}": sma[k] for k in sma},
        **{f"close_vs_sma{k}": [minus(quotient(c[t], sma[k][t]), 1) for t in n] for k in sma},
    }


def smoothed(x: list[float], period: int) -> list[Value]:
    out, y = [], None
    for t, value in enumerate(x):
        y = value if t == 0 else y + (value - y) / period
        out.append(y if t >= period - 1 else None)
    return out


def indicators(h, l, c, v) -> dict[str, list]:  # noqa: E741
    n = range(len(c))
    trh = [h[t] if t == 0 else max(h[t], c[t - 1]) for t in n]
    trl = [l[t] if t == 0 else min(l[t], c[t - 1]) for t in n]
    s = [
        0.0 if trh[t] - trl[t] < EPS else (2 * c[t] - trh[t] - trl[t]) / (trh[t] - trl[t])
        for t in n
    ]
    tr = [trh[t] - trl[t] for t in n]
    ad, flow = smoothed([v[t] * s[t] for t in n], 21), smoothed(v, 21)
    trend, ranges = smoothed([s[t] * tr[t] for t in n], 21), smoothed(tr, 21)
    m = [quotient(ad[t], flow[t]) for t in n]
    i = [quotient(trend[t], ranges[t]) for t in n]
    ema, y, seen = [], None, 0
    for value in m:
        if value is not None:
            seen += 1
            y = value if y is None else y + (value - y) / 3
        ema.append(y if value is not None and seen >= 5 else None)

    def slope_of(t: int, k: int) -> Value:
        """A change below EPS is rounding: the ratio stood still."""
        d = minus(m[t], back(m, t, k))
        return 0.0 if d is not None and abs(d) < EPS else d

    slope = [slope_of(t, 1) for t in n]

    def true(*values: bool | None) -> bool:
        return all(bool(value) for value in values)

    def more(a: Value, b: Value) -> bool:
        return a is not None and b is not None and a > b

    def cross(x: list[Value], t: int, way: int) -> bool:
        now, before = x[t], back(x, t, 1)
        return now is not None and before is not None and way * now > 0 and way * before <= 0

    return {
        "tmf_21": m,
        "tmf_ready_21": [x is not None for x in m],
        "tmf_zero_cross_up": [cross(m, t, 1) for t in n],
        "tmf_zero_cross_down": [cross(m, t, -1) for t in n],
        "tmf_sign": [None if x is None else (x > 0) - (x < 0) for x in m],
        "tmf_slope_1": slope,
        "tmf_slope_5": [slope_of(t, 5) for t in n],
        "tmf_ema_5": ema,
        "tmf_abs": [None if x is None else abs(x) for x in m],
        "tmf_above_zero": [None if x is None else x > 0 for x in m],
        "tmf_below_zero": [None if x is None else x < 0 for x in m],
        "tmf_respect_zero_up_candidate": [
            true(more(m[t], 0), more(slope[t], 0), more(0, back(slope, t, 1))) for t in n
        ],
        "tmf_respect_zero_down_candidate": [
            true(more(0, m[t]), more(0, slope[t]), more(back(slope, t, 1), 0)) for t in n
        ],
        "tti_proxy_v1_21": i,
        "tti_proxy_ready_21": [x is not None for x in i],
        "tti_proxy_zero_cross_up": [cross(i, t, 1) for t in n],
        "tti_proxy_zero_cross_down": [cross(i, t, -1) for t in n],
        "tti_proxy_sign": [None if x is None else (x > 0) - (x < 0) for x in i],
    }
