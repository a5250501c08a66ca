"""All runs beside each other: one row each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mf_etl.report.runs import suspicious

Rows = Sequence[Mapping[str, Any]]


def runs_values(named: Rows, others: Rows, validations: Rows) -> dict[str, Any]:
    """What the template of the table of runs takes.

    `named` and `others` are arguments of `run_row`: runs of the settings, which have a page, and those
    that are there besides; `validations` tell which run they are of, and their summary.
    """
    verdicts: dict[str, list[dict[str, Any]]] = {}
    for row in validations:
        verdicts.setdefault(row["labels"], []).append(
            {"run": row["run"], "verdict": _verdict(Path(row["summary"]))}
        )
    rows, more = (
        [
            run_row(**run) | {"linked": linked, "validations": verdicts.get(run["run"], [])}
            for run in part
        ]
        for part, linked in ((named, True), (others, False))
    )
    return {"title": "Runs", "rows": rows, "others": more, "has_validation": bool(verdicts)}


def _of_test(by_period: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What is told of the test period, or of the only one there is."""
    periods = by_period or {}
    found: Mapping[str, Any] | None = periods.get("test") or next(iter(periods.values()), None)
    return found or {}


def _verdict(summary: Path) -> str:
    if not summary.exists():
        return "not built"
    verdict: str = json.loads(summary.read_text(encoding="utf-8"))["verdict"]
    return verdict


def run_row(
    run: str, research: str, kind: str, dataset: str, summary: str, as_of: int = 0
) -> dict[str, Any]:
    """A row of the table of runs; one whose file `summary` is not there is told as not built.

    `as_of` is the time stamp of that file: another one is a reason to make the table anew.
    """
    file = Path(summary)
    row: dict[str, Any] = {
        "run": run,
        "research": research,
        "kind": kind.partition("_")[2],
        "model": {"clustering": "clustering", "hmm": "HMM"}[research],
        "dataset": dataset,
        "state": "done" if file.exists() else "not built",
        "notes": [],
        "period": "",
        "in_sample": False,
    }
    if not file.exists():
        return row
    told = json.loads(file.read_text(encoding="utf-8"))
    told = told if isinstance(told, Mapping) else {}
    periods = told.get("periods", {})
    test = _of_test(periods)
    likelihood = told.get("log_likelihood_per_row")
    likelihood = likelihood if isinstance(likelihood, Mapping) and "train" in likelihood else {}
    rows = told.get("rows")  # of a sweep, these are its cells
    apart = _of_test(told.get("forward_separation") if kind.endswith("run") else None)
    return row | {
        "states": told.get("states"),
        "rows": rows if isinstance(rows, int) else None,
        "period": f"{test['first_day']} to {test['last_day']}" if test else "",
        "in_sample": test.get("in_sample", False),
        "train": likelihood.get("train"),
        "test": likelihood.get("test"),
        "silhouette": told.get("silhouette") if kind.endswith("run") else None,
        "separation": apart.get("value"),
        "lo": apart.get("lo"),
        "hi": apart.get("hi"),
        "p": apart.get("p_shifted"),
        "ari": told.get("mean_ari"),
        "converged": told.get("converged"),
        "notes": suspicious(told) if kind.endswith("run") else told.get("notes", []),
    }
