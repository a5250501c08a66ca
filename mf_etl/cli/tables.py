"""Tables on the console."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import polars as pl
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table


def show(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    title: str | None = None,
    *,
    fold_at: int = 10_000,
) -> None:
    """Print a table; numbers are set right, null is empty.

    A terminal's lines are folded to fit; in a pipe a line is as long as it has to be, up to `fold_at`.
    """
    rows = [tuple(row) for row in rows]
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for place, name in enumerate(columns):
        is_number = any(isinstance(row[place], int | float) for row in rows)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_text(value) for value in row))
    console = Console(file=sys.stdout, highlight=False, markup=False)
    if console.is_terminal:
        console.print(table)
        return
    wide = console.options.update(max_width=fold_at)
    console.width = max(80, Measurement.get(console, wide, table).maximum)
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip())


def near(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest of the `known` names; empty if none comes near."""
    found = difflib.get_close_matches(name, [*known], n=1)
    return f"; did you mean {found[0]}?" if found else ""


def show_frame(frame: pl.DataFrame, title: str | None = None) -> None:
    """Print a frame as a table."""
    show(frame.columns, frame.rows(), title)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return str(value)
