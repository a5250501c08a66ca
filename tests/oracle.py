"""The formulas of the layers read row by row in plain Python: an independent second opinion.

None is undefined. Nothing here is shared with the library.
"""

from __future__ import annotations

import math

EPS = 1e-12
Value = float | None


def quotient(a: Value, b: Value) -> Value:
    return None if a is None or b is None or abs(b) < EPS else a / b


def back(x: list, t: int, k: int):
    return x[t - k] if t - k >= 0 else None


def minus(a: Value, b: Value) -> Value:
    return None if a is None or b is None else a - b


def rolling(x: list[float], n: int, f) -> list[Value]:
    return [f(x[t - n + 1 : t + 1]) if t + 1 >= n else None for t in range(len(x))]


def mean(x: list[float]) -> float:
    return math.fsum(x) / len(x)


def deviation(x: list[float]) -> float:
    m = mean(x)
    return math.sqrt(math.fsum((v - m) ** 2 for v in x) / len(x))


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


def since(event: list[bool]) -> list[int | None]:
    out, last = [], None
    for t, happened in enumerate(event):
        last = t if happened else last
        out.append(None if last is None else t - last)
    return out


def counted(event: list, n: int) -> list:
    return [sum(event[max(0, t - n + 1) : t + 1]) for t in range(len(event))]


def events(
    m, t_, slope, up, down, t_up, t_down, window=10, hold=5, strong=0.15, steep=0.05
) -> dict[str, list]:
    n = range(len(m))
    e: dict[str, list] = {"tmf_zero_up": up, "tmf_zero_down": down}

    def three(t: int):
        x = (back(m, t, 2), back(m, t, 1), m[t])
        return x if None not in x else None

    e["tmf_pivot_low"] = [(x := three(t)) is not None and x[0] > x[1] < x[2] for t in n]
    e["tmf_pivot_high"] = [(x := three(t)) is not None and x[0] < x[1] > x[2] for t in n]
    e["tmf_respect_zero_up"] = [
        e["tmf_pivot_low"][t] and m[t - 1] > 0 and m[t] > 0 and slope[t] > 0 for t in n
    ]
    e["tmf_respect_zero_down"] = [
        e["tmf_pivot_high"][t] and m[t - 1] < 0 and m[t] < 0 and slope[t] < 0 for t in n
    ]
    for way, cross in (("up", down), ("down", up)):
        respects = e[f"tmf_respect_zero_{way}"]
        e[f"tmf_respect_fail_{way}"] = [
            cross[t] and any(respects[max(0, t - window) : t]) for t in n
        ]
    t_slope = [minus(t_[t], back(t_, t, 1)) for t in n]
    for name, x, s in (("tmf", m, slope), ("tti", t_, t_slope)):
        told = [x[t] is not None and s[t] is not None for t in n]
        e[f"{name}_burst_up"] = [told[t] and x[t] > 0 and s[t] > steep and x[t] > strong for t in n]
        e[f"{name}_burst_down"] = [
            told[t] and x[t] < 0 and s[t] < -steep and -x[t] > strong for t in n
        ]
        for side, sign in (("pos", 1), ("neg", -1)):
            good = [y is not None and sign * y > 0 for y in x]
            e[f"{name}_hold_{side}"] = [
                t + 1 >= hold and all(good[t - hold + 1 : t + 1]) for t in n
            ]
    e |= {"tti_zero_up": t_up, "tti_zero_down": t_down}
    out = {f"ev_{name}": value for name, value in e.items()}
    for name in [
        "tmf_zero_up",
        "tmf_zero_down",
        "tmf_respect_zero_up",
        "tmf_respect_zero_down",
        "tmf_burst_up",
        "tmf_burst_down",
        "tti_zero_up",
        "tti_zero_down",
    ]:
        out[f"bs_{name}"] = since(e[name])
    for w in (5, 20):
        for side, way in (("long", "up"), ("short", "down")):
            parts = [
                counted(e[k], w)
                for k in (f"tmf_zero_{way}", f"tmf_respect_zero_{way}", f"tmf_burst_{way}")
            ]
            out[f"tmf_{side}_events_{w}"] = [sum(x) for x in zip(*parts, strict=True)]
        out[f"tmf_event_asym_{w}"] = [
            a - b
            for a, b in zip(out[f"tmf_long_events_{w}"], out[f"tmf_short_events_{w}"], strict=True)
        ]
    long, short = out["tmf_long_events_20"], out["tmf_short_events_20"]
    out["tmf_event_activity_20"] = [a + b for a, b in zip(long, short, strict=True)]
    tti = [counted(e[f"tti_{k}"], 20) for k in ("zero_up", "zero_down", "burst_up", "burst_down")]
    out["tti_events_20"] = [sum(x) for x in zip(*tti, strict=True)]
    out["flow_state_code"] = []
    for t in n:
        x, state = m[t], 0
        recent_up = out["bs_tmf_zero_up"][t]
        recent_down = out["bs_tmf_zero_down"][t]
        if x is None:
            state = 0
        elif x > 0 and (e["tmf_hold_pos"][t] or long[t] > short[t] + 1):
            state = 2
        elif x < 0 and (e["tmf_hold_neg"][t] or short[t] > long[t] + 1):
            state = 4
        elif x > 0 and (
            up[t]
            or e["tmf_burst_up"][t]
            or e["tmf_respect_zero_up"][t]
            or (recent_up is not None and recent_up <= 3)
        ):
            state = 1
        elif x < 0 and (
            down[t]
            or e["tmf_burst_down"][t]
            or e["tmf_respect_zero_down"][t]
            or (recent_down is not None and recent_down <= 3)
        ):
            state = 3
        out["flow_state_code"].append(state)
    return out


def features(e: dict[str, list]) -> dict[str, list]:
    """From the columns of the events table, as lists."""
    n = range(len(e["close"]))
    m, i, slope = e["tmf_21"], e["tti_proxy_v1_21"], e["tmf_slope_1"]
    signs = [
        None if a is None or b is None else a * b
        for a, b in zip(e["tmf_sign"], e["tti_proxy_sign"], strict=True)
    ]

    def score(way: str, side: str) -> list[float]:
        return [
            1.0 * e[f"ev_tmf_zero_{way}"][t]
            + 2.0 * e[f"ev_tmf_respect_zero_{way}"][t]
            + 2.0 * e[f"ev_tmf_burst_{way}"][t]
            + 1.5 * e[f"ev_tmf_hold_{side}"][t]
            for t in n
        ]

    long, short = score("up", "pos"), score("down", "neg")
    l5, s5, l20, s20 = counted(long, 5), counted(short, 5), counted(long, 20), counted(short, 20)
    delta = [a - b for a, b in zip(l20, s20, strict=True)]
    activity = [a + b for a, b in zip(l20, s20, strict=True)]

    def recency(name: str) -> list[Value]:
        bars = e[f"bs_{name}"]
        return [
            min(bars[t], 20) / 20 if bars[t] is not None else 1.0 if e["tmf_ready_21"][t] else None
            for t in n
        ]

    state = e["flow_state_code"]
    changed = [t > 0 and state[t] != state[t - 1] for t in n]
    run = []
    for t in n:
        run.append(1 if t == 0 or changed[t] else run[-1] + 1)
    size = [min(t + 1, 20) for t in n]
    return {
        "tmf_slope_10": [minus(m[t], back(m, t, 10)) for t in n],
        "tmf_curvature_1": [minus(slope[t], back(slope, t, 1)) for t in n],
        "tti_proxy_slope_1": [minus(i[t], back(i, t, 1)) for t in n],
        "tti_proxy_slope_5": [minus(i[t], back(i, t, 5)) for t in n],
        "tmf_tti_sign_agree": [None if s is None else s > 0 for s in signs],
        "tmf_tti_divergence": [None if s is None else s < 0 for s in signs],
        "long_flow_score_5": l5,
        "short_flow_score_5": s5,
        "long_flow_score_20": l20,
        "short_flow_score_20": s20,
        "delta_flow_5": [a - b for a, b in zip(l5, s5, strict=True)],
        "delta_flow_20": delta,
        "flow_activity_20": activity,
        "flow_bias_20": [d / a if a else 0.0 for d, a in zip(delta, activity, strict=True)],
        **{
            f"rec_tmf_{short_name}_20": recency(f"tmf_{name}")
            for short_name, name in (
                ("zero_up", "zero_up"),
                ("zero_down", "zero_down"),
                ("burst_up", "burst_up"),
                ("burst_down", "burst_down"),
                ("respect_up", "respect_zero_up"),
                ("respect_down", "respect_zero_down"),
            )
        },
        **{
            f"{side}_burst_{w}": counted(e[f"ev_tmf_burst_{way}"], w)
            for side, way in (("long", "up"), ("short", "down"))
            for w in (5, 20)
        },
        **{
            f"persistence_{side}_20": [
                x / k for x, k in zip(counted(e[f"ev_tmf_hold_{side}"], 20), size, strict=True)
            ]
            for side in ("pos", "neg")
        },
        "oscillation_index_20": [
            a + b
            for a, b in zip(
                counted(e["ev_tmf_zero_up"], 20), counted(e["ev_tmf_zero_down"], 20), strict=True
            )
        ],
        "respect_fail_balance_20": [
            a - b
            for a, b in zip(
                counted(e["ev_tmf_respect_fail_down"], 20),
                counted(e["ev_tmf_respect_fail_up"], 20),
                strict=True,
            )
        ],
        "state_prev": [back(state, t, 1) for t in n],
        "state_changed": changed,
        "state_run_length": run,
        "state_transition_code": [None if t == 0 else 10 * state[t - 1] + state[t] for t in n],
        "bs_state_change": since(changed),
        "atr_pct_14": [quotient(e["atr_14"][t], e["close"][t]) for t in n],
        "dollar_volume": [e["close"][t] * e["volume"][t] for t in n],
    }
