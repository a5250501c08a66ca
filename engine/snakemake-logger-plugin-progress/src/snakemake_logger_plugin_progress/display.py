"""Where the state of a run is shown: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from snakemake_logger_plugin_progress import text
from snakemake_logger_plugin_progress.run import Run

if TYPE_CHECKING:
    from rich.console import Group

REDRAW_INTERVAL_SECONDS = 0.5
UNCHANGED_INTERVAL_SECONDS = 60.0


class Display(Protocol):
    """Shows a run and lines of text; used under the handler's lock only."""

    interval_seconds: float

    def write(self, line: str, level: int) -> None:
        """Show text of a logging level; it stays on the screen."""

    def refresh(self, run: Run, now: float) -> None:
        """Show the state of the run."""

    def close(self, run: Run, now: float) -> None:
        """Show the last state and give the terminal back."""


def is_plain(stream: TextIO, nocolor: bool) -> bool:
    """Whether the stream gets plain lines: no terminal, or the user wants no control codes."""
    environment = os.environ
    return (
        nocolor
        or bool(environment.get("NO_COLOR"))
        or bool(environment.get("CI"))
        or environment.get("TERM") in ("dumb", "unknown")
        or not stream.isatty()
    )


class PlainDisplay:
    """A line every ``interval_seconds``, once a minute while nothing changes."""

    def __init__(self, stream: TextIO, interval_seconds: float) -> None:
        self.interval_seconds = interval_seconds
        self._stream = stream
        self._last_state: tuple[int, ...] = ()
        self._last_time = 0.0

    def write(self, line: str, level: int) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    def refresh(self, run: Run, now: float) -> None:
        state = (run.done, run.total, len(run.failures), len(run.retrying))
        if state == self._last_state and now - self._last_time < UNCHANGED_INTERVAL_SECONDS:
            return
        self._last_state, self._last_time = state, now
        self.write(text.progress_line(run, now), logging.INFO)

    def close(self, run: Run, now: float) -> None:
        self.write(text.progress_line(run, now), logging.INFO)


class QuietDisplay(PlainDisplay):
    """Lines of text only: what ``--quiet progress`` asks for."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, interval_seconds=UNCHANGED_INTERVAL_SECONDS)

    def refresh(self, run: Run, now: float) -> None:
        """Nothing: the counters are not shown."""

    def close(self, run: Run, now: float) -> None:
        """Nothing: the counters are not shown."""


class BarsDisplay:
    """A headline and a bar per rule at the foot of the terminal, everything else above them.

    Text is collected and printed with the next redraw, since each print above a live display
    redraws it: thousands of failures in a second cost one redraw.
    """

    interval_seconds = REDRAW_INTERVAL_SECONDS

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            # What is printed to a redirected standard output must not end on the terminal.
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=True,
        )
        self._lines: list[tuple[str, str]] = []
        self._live.start()

    def write(self, line: str, level: int) -> None:
        style = "red" if level >= logging.ERROR else "yellow" if level >= logging.WARNING else ""
        self._lines.append((line + "\n", style))

    def refresh(self, run: Run, now: float) -> None:
        self._print_lines()
        self._live.update(self._rendered(run, now), refresh=True)

    def close(self, run: Run, now: float) -> None:
        self._live.stop()
        self._print_lines()

    def _print_lines(self) -> None:
        from rich.text import Text

        if self._lines:
            collected = Text.assemble(*self._lines, end="")
            self._lines.clear()
            self._console.print(collected, soft_wrap=True, end="")

    def _rendered(self, run: Run, now: float) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        elapsed = text.duration(now - run.started_at)
        head = Text(f"{text.headline(run, now)}  elapsed {elapsed}", style="bold")
        head.append("  " + text.trouble(run), style="red")
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=self._console.width // 3)
        table.add_column(width=min(40, self._console.width // 3))
        table.add_column(justify="right", no_wrap=True)
        table.add_column(style="red", no_wrap=True)
        failed = run.failed_per_rule()
        shown, hidden = self._rows(run)
        for rule in shown:
            count = run.rules[rule]
            table.add_row(
                Text(rule),
                ProgressBar(total=max(count.total, 1), completed=count.done),
                f"{count.done:,}/{count.total:,}",
                f"{failed[rule]:,} failed" if failed[rule] else "",
            )
        rest = [Text(f"and {hidden:,} more rules", style="dim")] if hidden else []
        return Group(head, table, *rest)

    def _rows(self, run: Run) -> tuple[list[str], int]:
        """The rules that fit the terminal, unfinished ones first, and how many do not."""
        room = max(self._console.height - 4, 1)
        if len(run.rules) <= room:
            return list(run.rules), 0
        unfinished = [rule for rule, count in run.rules.items() if count.done < count.total]
        return unfinished[:room], len(run.rules) - len(unfinished[:room])
