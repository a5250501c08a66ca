"""The words of the display: durations, failures, progress lines, summary."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

from snakemake_logger_plugin_progress.run import Failure, Run

MAX_CAUSE_CHARACTERS = 200
INTERRUPTED = "killed by SIGINT"

_EXIT_STATUS = re.compile(r"returned non-zero exit status (\d+)")
_SIGNAL = re.compile(r"died with <Signals\.(\w+)")
_WILDCARDS = re.compile(r" \(\w+=[^()]*\)$")
_EXCEPTION_LINE = re.compile(r"^(\w[\w.]*) in (?:file|rule) .*:$")


def duration(seconds: float) -> str:
    """Hours, minutes and seconds as ``00:01:23``."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"


def rate(jobs_per_second: float) -> str:
    """A rate with two or more significant digits, such as ``83/s`` or ``0.25/s``."""
    decimals = 0 if jobs_per_second >= 10 else 1 if jobs_per_second >= 1 else 2
    return f"{jobs_per_second:,.{decimals}f}/s"


def failure_cause(message: str) -> str:
    """One line that says why a job failed, from Snakemake's message about its exception."""
    if match := _EXIT_STATUS.search(message):
        return f"exit status {match[1]}"
    if match := _SIGNAL.search(message):
        return f"killed by {match[1]}"
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    for line, following in itertools.pairwise(lines):
        if match := _EXCEPTION_LINE.match(line):
            return shortened(f"{match[1]}: {following}")
    # The line about the job names its wildcards already.
    return shortened(_WILDCARDS.sub("", " ".join(lines[:2]))) if lines else "no reason reported"


def shortened(text: str) -> str:
    """The text, cut where it is longer than a line should be."""
    if len(text) <= MAX_CAUSE_CHARACTERS:
        return text
    return text[: MAX_CAUSE_CHARACTERS - 3] + "..."


def failure_line(failure: Failure) -> str:
    """Rule, wildcards, cause and log path of a failed job."""
    logs = f"(log: {', '.join(failure.logs)})" if failure.logs else "(no log file)"
    cause = failure.cause.replace(f" {logs}", "")  # a job may name its log itself
    return f"{failure.label}: {cause} {logs}"


def headline(run: Run, now: float) -> str:
    """Jobs done, rate, expected time left."""
    speed = rate(run.rate_per_second(now))
    return f"{run.done:,}/{run.total:,} jobs  {speed}  ETA {time_left(run, now)}"


def time_left(run: Run, now: float) -> str:
    """The expected time left, with a `+` where it is that of some of the jobs only."""
    seconds, is_more = run.seconds_left(now)
    if seconds is None or (is_more and seconds < 1):
        return "--:--:--"
    return duration(math.ceil(seconds)) + ("+" if is_more else "")


def trouble(run: Run) -> str:
    """Failed jobs and jobs to be retried; empty if there are none."""
    parts = []
    if run.failures:
        parts.append(f"{len(run.failures):,} failed")
    if run.retrying:
        parts.append(f"{len(run.retrying):,} retried")
    return "  ".join(parts)


def progress_line(run: Run, now: float) -> str:
    """The state of a run in one line, with the rules that are under way."""
    under_way = [
        f"{rule} {count.done:,}/{count.total:,}"
        for rule, count in run.rules.items()
        if count.started and count.done < count.total
    ]
    parts = [f"[{duration(now - run.started_at)}] {headline(run, now)}", *under_way]
    if text := trouble(run):
        parts.append(text)
    return "  ".join(parts)


def summary_lines(run: Run, now: float, max_failures_shown: int) -> Iterator[str]:
    """The end of a run: jobs done per rule, time, what failed and where its log is."""
    seconds = now - run.started_at
    speed = rate(run.done / max(seconds, 1e-3))
    yield f"{run.done:,} of {run.total:,} jobs done in {duration(seconds)} ({speed})"
    complete = run.done >= run.total
    width = max((len(rule) for rule in run.rules), default=0)
    for rule, count in run.rules.items():
        of_total = "" if complete or count.done == count.total else f" of {count.total:,}"
        yield f"  {rule:<{width}}  {count.done:,}{of_total}"
    yield from failed_lines(run, max_failures_shown)
    not_run = run.total - run.done - len(run.failures)
    if not_run > 0:
        yield f"{not_run:,} not run or not finished"


def failed_lines(run: Run, max_failures_shown: int) -> Iterator[str]:
    """The failed jobs, at most ``max_failures_shown`` of them by name."""
    failures = list(dict.fromkeys(run.failures.values()))
    if not failures:
        return
    if not max_failures_shown:
        yield f"{len(run.failures):,} failed"
        return
    yield f"{len(run.failures):,} failed:"
    for failure in failures[:max_failures_shown]:
        yield f"  {failure_line(failure)}"
    if hidden := len(failures) - max_failures_shown:
        if hidden > 0:
            yield f"  and {hidden:,} more"
