"""The run history: one record a run, with what ran and why, and every failure."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mf_etl.catalog import LAYERS
from mf_etl.io import write_json

_VERSIONS_OF = ("mf_etl", "snakemake", "polars", "pyarrow", "numpy")


def write_record(
    folder: Path,
    started_at: datetime,
    targets: Sequence[str],
    jobs: Mapping[tuple[str, str, bool], int],
    failures: Sequence[dict[str, Any]],
) -> Path:
    """Write the record of a run that ends now; times are UTC.

    `jobs` counts the jobs that had to run by rule, reason, and whether they were done.
    """
    ended_at = datetime.now(UTC)
    record = {
        "started_at": started_at.isoformat(timespec="seconds"),
        "ended_at": ended_at.isoformat(timespec="seconds"),
        "seconds": round((ended_at - started_at).total_seconds(), 1),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in _VERSIONS_OF},
        "targets": list(targets),
        "jobs": [
            {"rule": rule, "reason": reason, "done": done, "count": count}
            for (rule, reason, done), count in sorted(jobs.items())
        ],
        "failures": list(failures),
    }
    path = folder / f"{started_at:%Y%m%dT%H%M%S}_{os.getpid()}.json"
    write_json(record, path)
    return path


FAILURES_TOLD = 10
# How a build is organised is no news at its end.
NOT_TOLD = ("parcel", "built")


def account(record: Mapping[str, Any], up_to_date: Mapping[str, int]) -> list[str]:
    """Lines for the end of a run: what was built, was up to date and failed, and where to look.

    `record` is what `write_record` wrote; `up_to_date` counts the tickers of each layer that had
    nothing to do.
    """
    built = Counter(dict.fromkeys(LAYERS, 0))
    for jobs in record["jobs"]:
        if jobs["done"] and jobs["rule"] not in NOT_TOLD:
            built[jobs["rule"]] += jobs["count"]
    lines = [f"Built in {_duration(record['seconds'])}: {_counts(built) or 'nothing'}"]
    if current := _counts(up_to_date):
        lines.append(f"Up to date: {current}")
    failures = record["failures"]
    if failures:
        lines.append(f"Failed: {len(failures)}")
    for failure in failures[:FAILURES_TOLD]:
        lines.append(f"  {failure['error']}")
    if len(failures) > FAILURES_TOLD:
        lines.append(f"  and {len(failures) - FAILURES_TOLD} more: see the run history")
    return lines


def _counts(steps: Mapping[str, int]) -> str:
    return ", ".join(f"{step} {count:,}" for step, count in steps.items() if count)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
