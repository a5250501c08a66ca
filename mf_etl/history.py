"""The run history: one record a run, with what ran and why, and every failure."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mf_etl.io import write_json

_VERSIONS_OF = ("mf_etl", "snakemake", "polars", "pyarrow", "numpy")


def write_record(
    folder: Path,
    started_at: datetime,
    targets: Sequence[str],
    jobs: Iterable[tuple[str, str, bool]],
    failures: Sequence[dict[str, Any]],
) -> Path:
    """Write the record of a run that ends now; times are UTC.

    `jobs` are the jobs that had to run: rule, reason, and whether it was done.
    """
    ended_at = datetime.now(UTC)
    counts = Counter(jobs)
    record = {
        "started_at": started_at.isoformat(timespec="seconds"),
        "ended_at": ended_at.isoformat(timespec="seconds"),
        "seconds": round((ended_at - started_at).total_seconds(), 1),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in _VERSIONS_OF},
        "targets": list(targets),
        "jobs": [
            {"rule": rule, "reason": reason, "done": done, "count": count}
            for (rule, reason, done), count in sorted(counts.items())
        ],
        "failures": list(failures),
    }
    path = folder / f"{started_at:%Y%m%dT%H%M%S}_{os.getpid()}.json"
    write_json(record, path)
    return path
