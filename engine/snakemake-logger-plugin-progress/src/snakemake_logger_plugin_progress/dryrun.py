"""Keeps the output of a dry run readable when it has thousands of jobs."""

from __future__ import annotations

import logging
from collections import Counter

from snakemake_interface_logger_plugins.common import LogEvent

MAX_LINE_CHARACTERS = 400


class DryRunFormatter(logging.Formatter):
    """Cuts the lines of a job that lists thousands of files, as the inputs of a target rule."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        formatted = self._formatter.format(record)
        if getattr(record, "event", None) != LogEvent.JOB_INFO:
            return formatted
        return "\n".join(_cut(line) for line in formatted.split("\n"))


class DryRunLimit:
    """Passes the first jobs of each rule with all their lines, and counts the others."""

    def __init__(self, jobs_per_rule: int) -> None:
        self._jobs_per_rule = jobs_per_rule
        self._seen: Counter[str] = Counter()
        self._hides_job = False

    def shows(self, record: logging.LogRecord) -> bool:
        """Whether a record is shown; records must come in Snakemake's order."""
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO:
            rule = record.__dict__["rule_name"]
            self._seen[rule] += 1
            self._hides_job = self._seen[rule] > self._jobs_per_rule
            return not self._hides_job
        if event == LogEvent.SHELLCMD:
            return not self._hides_job
        # One such record per temporary file comes after all jobs.
        if str(record.msg).startswith("Would remove temporary output"):
            return not self.hidden
        return True

    @property
    def hidden(self) -> dict[str, int]:
        """Jobs not shown, by rule."""
        limit = self._jobs_per_rule
        return {rule: seen - limit for rule, seen in self._seen.items() if seen > limit}

    def note(self) -> str:
        """A line that says what was left out; forgets the jobs. Empty if nothing was."""
        hidden = self.hidden
        self._seen.clear()
        if not hidden:
            return ""
        counts = ", ".join(f"{rule} {jobs:,}" for rule, jobs in hidden.items())
        return (
            f"Jobs not shown: {counts} (more with --logger-progress-dry-run-jobs-per-rule NUMBER)\n"
        )


def _cut(line: str) -> str:
    hidden = len(line) - MAX_LINE_CHARACTERS
    return line if hidden <= 0 else f"{line[:MAX_LINE_CHARACTERS]}... ({hidden:,} more characters)"
