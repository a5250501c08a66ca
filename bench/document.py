"""Sections of docs/benchmarks.md, each written anew by its measurement."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from bench.steps import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"
PACKAGES = ("snakemake", "polars", "pyarrow", "numpy", "scikit-learn", "hmmlearn", "numba")


def machine() -> str:
    """What the figures were taken on."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return (
        f"{datetime.date.today()}, commit {commit}; {platform.system()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {versions}"
    )


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]


def write_section(name: str, lines: list[str], document: Path = DOCUMENT) -> None:
    """Replace what is between the markers of a section in `document`."""
    text = document.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    document.write_text(before + begin + "\n".join(lines) + "\n" + end + after, encoding="utf-8")
