"""Gold events: Event Grammar v1 and the flow states."""

from __future__ import annotations

import polars as pl

from mf_etl.schemas.common import (
    ATR_14,
    CLOSE,
    IDENTITY,
    QUALITY_WARN_COUNT,
    RUN_ID,
    TMF_21,
    TRUE_RANGE,
    TTI_PROXY,
    VOLUME,
    flag,
    version,
)
from mf_etl.schemas.declaration import HELPER, Column, Table

SCHEMA_VERSION = "2"
CALC_VERSION = "2"

FLOW_STATES = {
    0: "S0_QUIET",
    1: "S1_EARLY_DEMAND",
    2: "S2_PERSISTENT_DEMAND",
    3: "S3_EARLY_SUPPLY",
    4: "S4_PERSISTENT_SUPPLY",
}

EVENTS = {
    "ev_tmf_zero_up": "TMF crosses zero upwards",
    "ev_tmf_zero_down": "TMF crosses zero downwards",
    "ev_tmf_pivot_low": "m[-2] > m[-1] < m: this row confirms a low at the row before",
    "ev_tmf_pivot_high": "m[-2] < m[-1] > m: this row confirms a high at the row before",
    "ev_tmf_respect_zero_up": "pivot low above zero, still above and rising",
    "ev_tmf_respect_zero_down": "pivot high below zero, still below and falling",
    "ev_tmf_respect_fail_up": "zero_down with a respect_zero_up within the window before",
    "ev_tmf_respect_fail_down": "zero_up with a respect_zero_down within the window before",
    "ev_tmf_burst_up": "m > 0, slope and magnitude above their thresholds",
    "ev_tmf_burst_down": "m < 0, slope and magnitude beyond their thresholds",
    "ev_tmf_hold_pos": "the last bars all ready and m > 0",
    "ev_tmf_hold_neg": "the last bars all ready and m < 0",
    "ev_tti_zero_up": "the TTI proxy crosses zero upwards",
    "ev_tti_zero_down": "the TTI proxy crosses zero downwards",
    "ev_tti_burst_up": "t > 0, slope and magnitude above their thresholds",
    "ev_tti_burst_down": "t < 0, slope and magnitude beyond their thresholds",
    "ev_tti_hold_pos": "the last bars all ready and t > 0",
    "ev_tti_hold_neg": "the last bars all ready and t < 0",
}

# Column of bars since an event: the event without its prefix `ev_`.
BARS_SINCE = (
    "tmf_zero_up", "tmf_zero_down", "tmf_respect_zero_up", "tmf_respect_zero_down",
    "tmf_burst_up", "tmf_burst_down", "tti_zero_up", "tti_zero_down",
)  # fmt: skip


def bars_since_columns() -> tuple[Column, ...]:
    """The ``bs_*`` columns, which the features pass through."""
    return tuple(
        Column(f"bs_{event}", pl.Int32, f"bars since ev_{event}; null before the first", "bars")
        for event in BARS_SINCE
    )


STATE_CODE = Column(
    "flow_state_code",
    pl.Int8,
    "flow state, 0 to 4",
    nullable=False,
    bounds=(0, 4),
    statistics=("counts",),
)
STATE_LABEL = Column("flow_state_label", pl.String, "name of the flow state", nullable=False)

GOLD_EVENTS = Table(
    name="gold_events",
    meaning="Events of Event Grammar v1 and the flow state, one row a bar; nothing looks ahead.",
    columns=(
        *IDENTITY,
        CLOSE,
        VOLUME,
        TMF_21,
        TTI_PROXY,
        TRUE_RANGE,
        ATR_14,
        QUALITY_WARN_COUNT,
        flag("tmf_ready_21", "tmf_21 is defined"),
        Column("tmf_sign", pl.Int8, "−1, 0 or 1"),
        Column("tmf_slope_1", HELPER, "tmf − tmf[-1]", "ratio"),
        Column("tmf_slope_5", HELPER, "tmf − tmf[-5]", "ratio"),
        Column("tmf_abs", HELPER, "|tmf|", "ratio"),
        flag("tmf_above_zero", "tmf > 0", nullable=True),
        flag("tmf_below_zero", "tmf < 0", nullable=True),
        flag("tti_proxy_ready_21", "tti_proxy_v1_21 is defined"),
        Column("tti_proxy_sign", pl.Int8, "−1, 0 or 1"),
        *(flag(name, meaning) for name, meaning in EVENTS.items()),
        *bars_since_columns(),
        *(
            Column(
                f"tmf_{side}_events_{bars}",
                pl.Int32,
                f"{way} zero crosses, respects and bursts of TMF in {bars} bars",
                "events",
                nullable=False,
            )
            for bars in (5, 20)
            for side, way in (("long", "upward"), ("short", "downward"))
        ),
        *(
            Column(f"tmf_event_asym_{n}", pl.Int32, f"long − short over {n} bars", "events", False)
            for n in (5, 20)
        ),
        Column("tmf_event_activity_20", pl.Int32, "long + short over 20 bars", "events", False),
        Column("tti_events_20", pl.Int32, "TTI zero and burst events in 20 bars", "events", False),
        STATE_CODE,
        STATE_LABEL,
        version("event_schema_version", "this declaration"),
        version("event_calc_version", "the grammar's code"),
        RUN_ID,
    ),
)
