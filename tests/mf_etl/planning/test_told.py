"""The words of a dry run."""

from __future__ import annotations

from mf_etl.planning.told import pending_lines


def test_counts_by_layer_and_reason_with_the_first_names():
    todo = {"gold_events": {"new": ["A", "B", "C"], "missing": ["D"]}}
    assert list(pending_lines(todo, names_told=2)) == [
        "Tickers to build, by layer, and why:",
        "gold_events              4",
        "    new 3: A, B, …",
        "    missing 1: D",
    ]
    assert "new 3: A, B, C" in "\n".join(pending_lines(todo, names_told=9))
    assert list(pending_lines({}, names_told=2)) == []
