"""What research commands tell of a run that is done."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import polars as pl

from mf_etl.cli.tables import show, show_frame
from mf_etl.research.runs.sanity import run_sanity


def _run(root: Path, folder: str) -> None:
    summary = _json(root / folder / "run_summary.json")
    show(
        (folder, ""),
        [(name, value) for name, value in summary.items() if not isinstance(value, list | dict)],
    )
    _notes(summary)
    click.echo(root / folder)


def _cluster_sweep(root: Path, folder: str) -> None:
    table = pl.read_csv(root / f"{folder}_summary.csv", glob=False)
    columns = ("method", "n_clusters", "status", "silhouette", "bic", "largest_share",
               "forward_separation", "error")  # fmt: skip
    show_frame(table.select(columns))
    _notes(_json(root / f"{folder}_summary.json"))
    click.echo(root / f"{folder}_summary.csv")


def _hmm_sweep(root: Path, folder: str) -> None:
    path = root / folder / "hmm_sweep_summary.csv"
    show_frame(pl.read_csv(path, glob=False))
    _notes(_json(path.with_suffix(".json")))
    click.echo(path)


def _stability(name: str) -> Callable[[Path, str], None]:
    def told(root: Path, folder: str) -> None:
        summary = _json(root / folder / name)
        plain = {k: v for k, v in summary.items() if not isinstance(v, list | dict)}
        show((folder, ""), plain.items())
        _notes(summary)
        click.echo(root / folder)

    return told


ACCOUNTS: dict[str, Callable[[Path, str], None]] = {
    "clustering_run": _run,
    "clustering_sweep": _cluster_sweep,
    "clustering_stability": _stability("stability_summary.json"),
    "hmm_run": _run,
    "hmm_sweep": _hmm_sweep,
    "hmm_stability": _stability("hmm_stability_summary.json"),
}
"""By the kind of a run: prints its account, from the folder of all runs and its own name."""


def read_account(research: str, run_dir: Path) -> None:
    """Print what a finished run holds; ends the process with 1 if its aggregates have problems."""
    told, problems = run_sanity(run_dir, research)
    click.echo("\n".join(told))
    for problem in problems:
        click.echo(f"problem: {problem}", err=True)
    if problems:
        sys.exit(1)


def _notes(summary: dict[str, Any]) -> None:
    for note in summary.get("notes", []):
        click.echo(f"note: {note}")


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
