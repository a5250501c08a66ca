"""No look-ahead: the first n rows of every layer are the same, bit for bit, without the rest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mf_etl.gold.events import Grammar, event_series
from mf_etl.gold.features import Weights, feature_series
from mf_etl.silver.base import base_series
from mf_etl.silver.indicators import indicator_series
from tests.conftest import simulated_bars


def layers(bars):
    base = base_series(bars, eps=1e-12, run_id="a")
    indicators = indicator_series(base, period=21, ema_span=5, eps=1e-12, run_id="b")
    events = event_series(indicators, grammar=Grammar(), run_id="c")
    features = feature_series(events, weights=Weights(), eps=1e-12, run_id="d")
    return {"base": base, "indicators": indicators, "events": events, "features": features}


@given(
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(0, 2**31),
    st.floats(0, 1),
    st.lists(st.integers(0, 400), max_size=3).map(tuple),
)
def test_rows_do_not_depend_on_later_rows(rows, later, seed, quiet, holes):
    bars = simulated_bars(rows + later, seed, quiet=quiet, holes=holes)
    whole, first = layers(bars), layers(bars.head(rows))
    for name, frame in first.items():
        assert frame.equals(whole[name].head(rows)), name
