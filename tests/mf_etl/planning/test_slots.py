"""Slots: a split that depends on names and the number of tickers, and on nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.planning.slots import number_of_slots, slot_of, slots_of

PAIRS = st.lists(
    st.tuples(st.sampled_from(["NYSE", "NASDAQ"]), st.text("ABCDE", min_size=1, max_size=5)),
    min_size=1,
    unique=True,
)


@pytest.mark.parametrize(
    ("tickers", "slots"),
    [(1, 1), (125, 1), (176, 1), (177, 2), (1000, 8), (8000, 64), (8577, 64), (20000, 128)],
)
def test_the_number_of_slots_is_the_nearest_power_of_two(tickers, slots):
    assert number_of_slots(tickers) == slots


@given(PAIRS)
def test_every_ticker_is_in_one_slot_whatever_the_order(pairs):
    slots = slots_of(pairs)
    assert sorted(pair for members in slots.values() for pair in members) == sorted(pairs)
    assert slots == slots_of(reversed(pairs)) and list(slots) == sorted(slots)


def test_slots_are_of_like_size_and_one_more_ticker_changes_one():
    pairs = [("NYSE", f"T{number}.US") for number in range(8000)]
    before, after = slots_of(pairs), slots_of([*pairs, ("NASDAQ", "NEW.US")])
    sizes = [len(members) for members in before.values()]
    assert len(sizes) == 64 and min(sizes) > 80 and max(sizes) < 175
    changed = [slot for slot in after if after[slot] != before.get(slot)]
    assert changed == [slot_of(("NASDAQ", "NEW.US"), 64)]
