"""The run history as a page: when, what ran and why, how long, what failed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mf_etl.report.pages import page, write
from mf_etl.report.words import number

RUNS_SHOWN = 100
"""The last runs of the history that are told."""


def write_history(folder: Path, path: Path) -> None:
    """Write the page of the records in a folder."""
    values = history_values(folder.glob("*.json"))
    write(page("build.html", here="Build", **values), path)


def history_values(records: Iterable[Path]) -> dict[str, Any]:
    """What the template of the run history takes, from its records; the latest first."""
    files = sorted(records, reverse=True)
    rows = [row for row in map(_record, files[:RUNS_SHOWN]) if row]
    return {"title": "Build", "rows": rows, "total": len(files), "shown": RUNS_SHOWN}


def _record(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        started = datetime.fromisoformat(record["started_at"])
        jobs = _by_rule(record["jobs"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a record of another version, or one that is half there
    failures = record.get("failures", [])
    return {
        "started": f"{started:%Y-%m-%d %H:%M:%S}",
        "seconds": record["seconds"],
        "length": _length(record["seconds"]),
        "targets": ", ".join(record["targets"]) or "all",
        "done": sum(row["done"] for row in jobs),
        "jobs": jobs,
        "failed": len(failures),
        "failures": [
            {"error": failure.get("error", ""), "log": failure.get("log", "")}
            for failure in failures[:20]
        ],
        "versions": ", ".join(f"{k} {v}" for k, v in record.get("versions", {}).items()),
    }


def _by_rule(jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    done: Counter[str] = Counter()
    left: Counter[str] = Counter()
    why: dict[str, Counter[str]] = {}
    for job in jobs:
        (done if job["done"] else left)[job["rule"]] += job["count"]
        why.setdefault(job["rule"], Counter())[job["reason"].lower()] += job["count"]
    return [
        {
            "rule": rule.replace("_", " "),
            "done": done[rule],
            "left": left[rule],
            "why": ", ".join(f"{reason} {n:,}" for reason, n in reasons.most_common(4)),
        }
        for rule, reasons in why.items()
    ]


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{number(seconds, 3)} s"
