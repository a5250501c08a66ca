"""A small project whose dataset has been exported, for the tests of research runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, SAMPLE
from tests.workflow.conftest import Project, new_project

FEATURES = ["tmf_21", "tmf_slope_5", "delta_flow_20", "flow_activity_20"]
SPLIT = {"split_mode": "time", "train_end": "2008-12-31"}


def research_project(folder: Path) -> Project:
    """A project with two tickers of thirteen years and one of eight months."""
    project = new_project(folder)
    # A link to the library instead of a copy: compiled loops are cached beside their source.
    shutil.rmtree(folder / "mf_etl")
    (folder / "mf_etl").symlink_to(ROOT / "mf_etl")
    for name in ("nasdaq stocks/1/aapl", "nyse stocks/1/ibm"):
        source = SAMPLE / "data" / "daily" / "us" / f"{name}.us.txt"
        target = project.raw / f"{name}.us.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    return project


def settings(section: str, **entries: Any) -> dict[str, str]:
    """The environment that names these runs: `runs`, `sweeps` or `stability` by name."""
    return {f"MF_ETL_RESEARCH_{section.upper()}": json.dumps(entries)}


def preparation(**options: Any) -> dict[str, Any]:
    """A preparation of few features."""
    return {"features": FEATURES, **options}


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def jobs(console: str) -> dict[str, int]:
    """Jobs done by rule, from the account at the end of a run."""
    line = next((line for line in console.splitlines() if line.startswith("Built in")), ": ")
    parts = (part.split() for part in line.split(": ", 1)[1].split(", ") if part)
    return {rule: int(count) for rule, count in parts}
