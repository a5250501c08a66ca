"""Records of cluster jobs that were stopped."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

from mf_etl.cluster import stopped_jobs

NOW = datetime.now(UTC)


def test_a_stopped_job_is_told_for_each_of_its_files(tmp_path):
    """Not one of an earlier run, not one that failed by itself, and no record in pieces."""
    records = {
        "1": {"output": ["a", "b"], "stopped": "cancelled"},
        "2": {"output": ["c"]},
        "3": {"output": ["d"], "stopped": "long ago"},
        "4": {"output": None, "stopped": "of too many files"},
    }
    for number, record in records.items():
        (tmp_path / f"{number}.json").write_text(json.dumps(record))
    (tmp_path / "5.json").write_text("{")
    before = (NOW - timedelta(hours=1)).timestamp()
    os.utime(tmp_path / "3.json", (before, before))
    assert stopped_jobs(tmp_path, NOW - timedelta(minutes=1)) == {
        "a": "cancelled",
        "b": "cancelled",
    }
    assert stopped_jobs(tmp_path / "none", NOW) == {}


def test_a_job_that_went_well_the_second_time_is_not_told(tmp_path):
    """Its record is gone; of two that were stopped the last one counts."""
    (tmp_path / "9.json").write_text(json.dumps({"output": ["a"], "stopped": "first"}))
    os.utime(tmp_path / "9.json", (NOW.timestamp() - 5,) * 2)
    (tmp_path / "10.json").write_text(json.dumps({"output": ["a"], "stopped": "second"}))
    assert stopped_jobs(tmp_path, NOW - timedelta(minutes=1)) == {"a": "second"}
