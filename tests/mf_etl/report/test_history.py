"""The run history as a page."""

from __future__ import annotations

import json

from mf_etl.report.history import history_values, write_history

RECORD = {
    "started_at": "2026-01-02T03:04:05+00:00",
    "ended_at": "2026-01-02T03:05:35+00:00",
    "seconds": 90.0,
    "versions": {"python": "3.12.1"},
    "targets": ["all"],
    "jobs": [
        {"rule": "gold_events", "reason": "new", "done": True, "count": 3},
        {"rule": "gold_events", "reason": "input rebuilt", "done": False, "count": 1},
    ],
    "failures": [
        {"rule": "gold_events", "wildcards": {}, "log": "logs/x.log", "error": "<disk full>"}
    ],
}


def test_what_ran_and_why_and_what_failed(tmp_path):
    (tmp_path / "1.json").write_text(json.dumps(RECORD))
    (tmp_path / "2.json").write_text('{"started_at": "2026')
    values = history_values(tmp_path.glob("*.json"))
    (row,) = values["rows"]
    assert row["length"] == "1 min 30 s" and row["done"] == 3 and row["failed"] == 1
    assert row["jobs"] == [
        {"rule": "gold events", "done": 3, "left": 1, "why": "new 3, input rebuilt 1"}
    ]
    write_history(tmp_path, tmp_path / "build.html")
    text = (tmp_path / "build.html").read_text()
    assert "&lt;disk full&gt;" in text and "2026-01-02 03:04:05" in text


def test_without_a_record(tmp_path):
    write_history(tmp_path, tmp_path / "build.html")
    assert "No run is recorded yet" in (tmp_path / "build.html").read_text()
