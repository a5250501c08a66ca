"""The page of whatever kind of run: the same for the target and for the server of pages."""

from __future__ import annotations

from pathlib import Path

from mf_etl.report.pages import page
from mf_etl.report.runs import run_values
from mf_etl.report.studies import stability_values, sweep_values
from mf_etl.report.validations import validation_values


def run_page(root: Path, run: str, research: str, kind: str) -> str:
    """The page of a finished run below the folder of all runs; `kind` is that of its request."""
    if kind.endswith("_sweep"):
        return page("study.html", here="Runs", depth=2, **sweep_values(root, run, research))
    if kind.endswith("_stability"):
        return page("study.html", here="Runs", depth=2, **stability_values(root / run, research))
    return page("run.html", here="Runs", depth=2, **run_values(root / run, research))


def validation_page(folder: Path) -> str:
    """The page of a finished validation."""
    return page("validation.html", here="Runs", depth=1, **validation_values(folder))
