"""Jobs that a cluster has stopped, from the records that the scripts of its profile keep."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

CLUSTER_RECORDS = Path(".snakemake", "cluster")
"""Where `profiles/slurm` keeps a record of each job until it has ended well."""


def stopped_jobs(folder: Path, since: datetime) -> dict[str, str]:
    """Why jobs that were submitted `since` then were stopped, by each of their output files.

    A record that cannot be read tells nothing.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
        if path.stat().st_mtime < since.timestamp():
            continue
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            found |= dict.fromkeys(record["output"] or (), record.get("stopped") or "")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return {file: line for file, line in found.items() if line}
