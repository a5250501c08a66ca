"""The overall verdict of a build, and how it is told.

The workflow's own process tells it, so nothing here loads polars.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

VERDICTS = ("ok", "warn", "fail")


def overall(checks: Iterable[dict[str, Any]]) -> str:
    """The worst verdict of the checks."""
    return max((check["result"] for check in checks), key=VERDICTS.index, default="ok")


def verdict(sanity_summaries: Sequence[Path]) -> dict[str, Any]:
    """The checks of all sanity summaries with their layer, and the worst result."""
    checks = []
    for path in sanity_summaries:
        summary = json.loads(path.read_text(encoding="utf-8"))
        layer = summary.get("layer", "bronze_ohlcv")
        checks += [{"layer": layer, **check} for check in summary["checks"]]
    return {"verdict": overall(checks), "checks": checks}


def refusal(found: dict[str, Any], fail_on: str) -> str | None:
    """The line that ends a build whose verdict is as bad as `fail_on`, or worse; else None."""
    if fail_on == "never" or VERDICTS.index(found["verdict"]) < VERDICTS.index(fail_on):
        return None
    named = [f"{c['layer']} {c['check']}" for c in found["checks"] if c["result"] != "ok"]
    return f"the checks say {found['verdict']}: {', '.join(named)}"


def told(found: dict[str, Any]) -> list[str]:
    """Lines for the end of a build: the verdict and each check that is not ok."""
    lines = [f"Checks: {found['verdict']}"]
    for check in found["checks"]:
        if check["result"] != "ok":
            examples = ", ".join(check["examples"][:5])
            more = check["affected"] - 5
            lines.append(
                f"  {check['result']}: {check['layer']} {check['check']} = {check['value']:g} "
                f"(more than {check['threshold']:g})"
                + (f": {examples}" if examples else "")
                + (f" and {more} more" if more > 0 else "")
            )
    return lines
