"""Gold events and features."""

from __future__ import annotations

from tests.oracle.series import Value, back, minus, quotient


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
