"""The overall verdict, what it refuses, and how it is told."""

from __future__ import annotations

import pytest

from mf_etl.io import write_json
from mf_etl.qa.verdict import refusal, told, verdict


def check(result: str, **values) -> dict:
    return {
        "check": "empty_share", "result": result, "severity": "warn", "value": 0.5,
        "threshold": 0.05, "affected": 7, "examples": list("ABCDEFG"), **values,
    }  # fmt: skip


@pytest.fixture
def found(tmp_path) -> dict:
    write_json({"checks": [check("ok")]}, tmp_path / "bronze.json")
    write_json({"layer": "gold_events", "checks": [check("warn")]}, tmp_path / "events.json")
    return verdict([tmp_path / "bronze.json", tmp_path / "events.json"])


def test_the_worst_result_is_the_verdict(found):
    assert found["verdict"] == "warn"
    assert [c["layer"] for c in found["checks"]] == ["bronze_ohlcv", "gold_events"]


def test_what_is_refused(found):
    assert refusal(found, "never") is None
    assert refusal(found, "fail") is None
    assert refusal(found, "warn") == "the checks say warn: gold_events empty_share"
    assert refusal({"verdict": "ok", "checks": []}, "warn") is None
    assert refusal({"verdict": "fail", "checks": []}, "warn")


def test_how_it_is_told(found):
    assert told(found) == [
        "Checks: warn",
        "  warn: gold_events empty_share = 0.5 (more than 0.05): A, B, C, D, E and 2 more",
    ]
