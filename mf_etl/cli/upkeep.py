"""Commands that keep a build in order and open it to others."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from mf_etl.catalog import LAYERS, database_path
from mf_etl.cli import context
from mf_etl.cli.building import BuildCommand, build, run
from mf_etl.cli.tables import show
from mf_etl.doctor import findings
from mf_etl.planning.told import counted
from mf_etl.synth.__main__ import main as synth_command


@click.command(cls=BuildCommand)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def status(as_json: bool) -> None:
    """What is up to date, what would run and why, by layer; builds nothing."""
    context.settings()  # a mistake in them is told before planning
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "reasons.json")
        settings = {"planning.reasons": str(file)}
        done = run(
            ["all"],
            settings=settings,
            options=["--dry-run", "--quiet", "rules", "reason"],
            output=subprocess.PIPE,
        )
        if done.returncode or not file.exists():
            context.universe().tickers  # noqa: B018 - says so if it is the raw root that is not there
            own = [line for line in done.stdout.splitlines() if line.startswith("mf_etl: ")]
            click.echo("\n".join(own) or done.stdout.rstrip(), err=True)
            click.echo(
                "Error: there is no plan, so there is no status; what Snakemake says is above",
                err=True,
            )
            sys.exit(1)
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    rows = [_row(step, told, told["tickers"]) for step in LAYERS]
    rows += [_row(step, told, None) for step in told["steps"] if step not in LAYERS]
    show(("step", "up to date", "to do", "why"), rows)
    if not told["steps"]:
        click.echo("Everything is up to date.")
    if told["left_out"]:
        click.echo(told["left_out"])


def _row(step: str, told: dict[str, Any], tickers: int | None) -> tuple[Any, ...]:
    reasons = told["steps"].get(step, {})
    to_do = sum(reasons.values())
    current = None if tickers is None else told["up_to_date"].get(step, tickers - to_do)
    first = told["first_tickers"].get(step, {})
    why = "; ".join(
        counted(reason, count, first.get(reason, ())) for reason, count in sorted(reasons.items())
    )
    return step, current, to_do, why


@click.command(cls=BuildCommand)
@click.option("--delete", is_flag=True, help="Delete them; without it they are listed.")
def prune(delete: bool) -> None:
    """Files whose ticker is no longer built: it moved to another exchange or left the universe."""
    build("prune", settings={"prune.delete": delete})


@click.command(cls=BuildCommand)
def catalog() -> None:
    """A DuckDB file with a view for each layer, the symbol master, datasets and runs.

    Open it in the folder that holds the data folder: duckdb -readonly data/mf_etl.duckdb
    """
    build("catalog", reads_raw=False)
    click.echo(database_path(context.settings().paths))


@click.command()
def doctor() -> None:
    """What to ask first when something looks wrong, with what to do; exit code 1 if it is broken."""
    found = list(findings(Path.cwd()))
    show(("result", "what", "found"), [(f.result, f.subject, f.told) for f in found])
    remedies: dict[tuple[str, bool], list[str]] = {}
    for finding in found:
        if finding.remedy:
            key = (finding.remedy, finding.result == "broken")
            remedies.setdefault(key, []).append(finding.subject)
    for (remedy, is_broken), subjects in remedies.items():
        click.echo(f"{', '.join(dict.fromkeys(subjects))}: {remedy}", err=is_broken)
    if any(finding.result == "broken" for finding in found):
        sys.exit(1)


COMMANDS = (status, doctor, prune, catalog, synth_command)
