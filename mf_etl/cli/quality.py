"""Commands that check what has been built."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import polars as pl

from mf_etl.cli import context
from mf_etl.cli.building import BuildCommand, build
from mf_etl.cli.tables import show, show_frame
from mf_etl.qa.verdict import refusal
from mf_etl.schemas.bronze_ohlcv import HARD_FLAGS, WARNING_FLAGS

SANITY = {
    "silver": "silver_sanity_summary",
    "indicators": "indicators_sanity_summary",
    "events": "events_sanity_summary",
    "features": "features_sanity_summary",
}


@click.command(cls=BuildCommand)
def build_symbol_master() -> None:
    """One row a ticker: where it comes from, its span of dates, what was wrong with it."""
    build(context.total("symbol_master"))
    master = pl.read_parquet(context.total("symbol_master"), glob=False)
    show_frame(master.group_by("exchange").len("tickers").sort("exchange"))
    click.echo(context.total("symbol_master"))


@click.command(cls=BuildCommand)
def sanity_checks() -> None:
    """Bronze over the universe: checks, rows by exchange; exit code 1 as `qa.fail_on` says."""
    build(context.total("bronze_sanity_summary"))
    show_frame(pl.read_parquet(context.total("bronze_sanity_by_exchange"), glob=False))
    _tell(context.total("bronze_sanity_summary"))


@click.command(cls=BuildCommand)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many, worst first.")
@click.option("--only-invalid", is_flag=True, help="Only tickers with rejected or unreadable data.")
def list_problem_tickers(limit: int | None, only_invalid: bool) -> None:
    """Tickers to look at: rejected rows, unreadable or empty files, spikes, warnings."""
    build(context.total("problem_tickers"))
    problems = pl.read_parquet(context.total("problem_tickers"), glob=False)
    if only_invalid:
        problems = problems.filter(
            (pl.col("rows_rejected") > 0) | pl.col("status").is_in(["unreadable", "failed"])
        )
    if problems.is_empty():
        click.echo("No ticker has problems.")
        return
    shown = problems[:limit]
    counts = ("ticker", "exchange", "status", "rows_total", "rows_rejected", "warnings")
    show_frame(shown.select(counts).with_columns(reason=pl.Series(map(_reason, shown.to_dicts()))))
    if shown.height < problems.height:
        click.echo(f"{shown.height:,} of {problems.height:,}")
    click.echo(context.total("problem_tickers_csv"))


def _reason(problem: dict[str, Any]) -> str:
    """What is wrong with a ticker: what its reader says, then its flags, the most frequent first."""
    counts = {flag: problem.get(flag) or 0 for flag in (*HARD_FLAGS, *WARNING_FLAGS)}
    counts["price_spikes"] = problem["price_spikes"] or 0
    parts = [problem["message"]] if problem["message"] else []
    for flag, count in sorted(counts.items(), key=lambda pair: -pair[1]):
        parts += [f"{flag.removeprefix('q_')} {count:,}"] if count else []
    return ", ".join(parts) or problem["status"]


def sanity(name: str, file: str) -> click.Command:
    """The command that checks one layer."""

    def command() -> None:
        build(context.total(file))
        summary = _tell(context.total(file))
        show(("tickers", "rows"), [(summary["tickers"], summary["rows"])])

    help_text = "Checks of the layer over the universe; exit code 1 as `qa.fail_on` says."
    return click.command(f"{name}-sanity", cls=BuildCommand, help=help_text)(command)


def _tell(path: str) -> dict[str, Any]:
    """Print the checks of a sanity summary; ends the process if they are as bad as `qa.fail_on`."""
    summary: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    show(
        ("check", "result", "value", "threshold", "examples"),
        [
            (c["check"], c["result"], c["value"], c["threshold"], ", ".join(c["examples"][:5]))
            for c in summary["checks"]
        ],
    )
    click.echo(f"{summary['verdict']}: {path}")
    found = {
        "verdict": summary["verdict"],
        "checks": [{"layer": "", **check} for check in summary["checks"]],
    }
    if refusal(found, context.settings().qa.fail_on):
        sys.exit(1)
    return summary


COMMANDS = (
    build_symbol_master,
    sanity_checks,
    list_problem_tickers,
    *(sanity(name, file) for name, file in SANITY.items()),
)
