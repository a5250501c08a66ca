"""The log handler: shows records outside a run as Snakemake does, and a run as its progress.

Snakemake logs five records or more per job from its main thread, so what is done per record of a
run is bounded by a few dictionary operations; text is formatted for shown records only, and the
state of the run by a timer thread.
"""

from __future__ import annotations

import copy
import logging
import sys
import threading
import time
from collections.abc import Mapping
from typing import cast

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_progress import parts, text
from snakemake_logger_plugin_progress.display import (
    BarsDisplay,
    Display,
    PlainDisplay,
    QuietDisplay,
    is_plain,
)
from snakemake_logger_plugin_progress.dryrun import DryRunFormatter, DryRunLimit
from snakemake_logger_plugin_progress.parts import News
from snakemake_logger_plugin_progress.reporter import RunReporter
from snakemake_logger_plugin_progress.run import Run
from snakemake_logger_plugin_progress.settings import LogHandlerSettings


class LogHandler(LogHandlerBase):
    """Progress of a workflow run on standard error (standard output for a dry run).

    Before and after a run, and in a dry run, records are shown as Snakemake itself shows them,
    with ``--quiet``, ``--verbose``, ``--printshellcmds`` and ``--show-failed-logs`` in effect.
    """

    # The terminal has one owner: with this, Snakemake installs no stream handler of its own.
    writes_to_stream = True
    # Snakemake's own log file in .snakemake/log goes on.
    writes_to_file = False
    # Under `--quiet rules` the default filter drops records that are counted here.
    has_filter = True
    # Only shown records are formatted, with Snakemake's own formatter.
    has_formatter = True
    # The job statistics name the rules in flow order already.
    needs_rulegraph = False
    # Made in the constructor of `logging.Handler`.
    lock: threading.RLock

    def __post_init__(self) -> None:
        # Not at the top of the module: snakemake.logging imports the registry of these plugins.
        from snakemake.logging import (
            ColorizingTextHandler,
            DefaultFilter,
            DefaultFormatter,
        )
        from snakemake.settings.enums import Quietness

        common = self.common_settings
        if self.settings is None:
            self.settings = LogHandlerSettings()
        # Snakemake makes them of the class that the plugin names.
        self._options = cast(LogHandlerSettings, self.settings)
        quiet = set(common.quiet or ())
        self._is_silent = Quietness.ALL in quiet and not common.dryrun
        self._is_quiet = Quietness.PROGRESS in quiet
        if common.dryrun:
            # `--dry-run --quiet` is documented to show the job statistics, which the filter
            # takes for progress.
            quiet -= {Quietness.PROGRESS}
        self._stream = sys.stdout if common.stdout else sys.stderr
        self._is_plain = is_plain(self._stream, common.nocolor)
        self._filter = DefaultFilter(
            quiet, common.debug_dag, common.verbose, common.dryrun, common.printshellcmds
        )
        formatter = DefaultFormatter(quiet, common.show_failed_logs)
        if common.dryrun and not common.verbose:
            formatter = DryRunFormatter(formatter)
        self._text_handler = ColorizingTextHandler(
            nocolor=self._is_plain, stream=self._stream, formatter=formatter
        )
        self._dry_run_limit = DryRunLimit(self._options.dry_run_jobs_per_rule)
        self._reporter: RunReporter | None = None
        self._display: Display | None = None
        self._run_ended = threading.Event()
        self._expected: list[Mapping[str, int]] = []
        parts.listen(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Count or show a record; a closed output silences the handler, not the workflow."""
        if self._is_silent:
            return
        try:
            event = record.__dict__.get("event")
            if self._reporter is None or event == LogEvent.WORKFLOW_STARTED:
                self._outside_run(event, record)
            else:
                self._reporter.handle(event, record)
                if self._reporter.is_over:
                    self._end_run()
        except BrokenPipeError:
            self._silence()
        except Exception:
            self.handleError(record)

    def parts_expected(self, jobs: Mapping[str, int]) -> None:
        """Take in how many jobs the runs of parts will do."""
        with self.lock:
            if self._reporter is not None:
                self._reporter.run.parts_expected(jobs)
            else:
                # Records come by a queue: those of the start of the run may still be in it.
                self._expected.append(jobs)

    def part_has_news(self, news: News) -> None:
        """Count, and show, what a job that is a run of a part has done."""
        with self.lock:
            if self._reporter is None or self._is_silent:
                return
            try:
                self._reporter.take_news(news)
            except BrokenPipeError:
                self._silence()

    def close(self) -> None:
        """End the display, also after an interrupt, and write the summary."""
        parts.stop_listening(self)
        with self.lock:
            try:
                self._end_run()
            except BrokenPipeError:
                self._silence()
        super().close()

    def _outside_run(self, event: LogEvent | None, record: logging.LogRecord) -> None:
        self._end_run()
        if self.common_settings.dryrun:
            if event == LogEvent.RUN_INFO and (note := self._dry_run_limit.note()):
                self._stream.write(note)
            if self._filter.filter(record) and self._dry_run_limit.shows(record):
                self._show(record)
        elif event == LogEvent.RUN_INFO and hasattr(record, "stats"):
            self._start_run(record)
        else:
            self._show(record)

    def _start_run(self, record: logging.LogRecord) -> None:
        if self._is_quiet:
            self._display = QuietDisplay(self._stream)
        elif self._is_plain:
            self._show(record)
            self._display = PlainDisplay(self._stream, self._options.interval_seconds)
        else:
            self._display = BarsDisplay(self._stream)
        run = Run.from_stats(record.__dict__["stats"], time.monotonic())
        for jobs in self._expected:
            run.parts_expected(jobs)
        self._expected.clear()
        self._reporter = RunReporter(run, self._display, self._show, self.common_settings)
        self._run_ended = threading.Event()
        threading.Thread(
            target=self._refresh_regularly,
            args=(run, self._display, self._run_ended),
            name="progress",
            daemon=True,
        ).start()

    def _refresh_regularly(self, run: Run, display: Display, ended: threading.Event) -> None:
        while not ended.wait(display.interval_seconds):
            with self.lock:
                if ended.is_set():
                    return
                try:
                    display.refresh(run, time.monotonic())
                except BrokenPipeError:
                    self._silence()

    def _end_run(self) -> None:
        """Take the display down and sum up; does nothing without a run."""
        reporter, display = self._reporter, self._display
        if reporter is None or display is None:
            return
        self._run_ended.set()
        reporter.finish()
        self._reporter = self._display = None
        run, now = reporter.run, time.monotonic()
        max_failures_shown = self._options.max_failures_shown
        if self._is_quiet:
            lines = text.failed_lines(run, max_failures_shown)
        else:
            run.give_up_retries()
            lines = text.summary_lines(run, now, max_failures_shown)
        display.close(run, now)
        self._stream.writelines(line + "\n" for line in lines)
        self._stream.flush()

    def _show(self, record: logging.LogRecord) -> None:
        """Show a record as Snakemake words it, if its filter lets it pass."""
        if not self._filter.filter(record):
            return
        if record.args:  # Snakemake's formatter ignores the arguments of a message
            record = copy.copy(record)
            record.msg, record.args = record.getMessage(), None
        if self._display is None or self._is_plain:
            self._text_handler.emit(record)
        elif (line := self._text_handler.format(record)) not in ("", "None"):
            self._display.write(line, record.levelno)

    def _silence(self) -> None:
        self._is_silent = True
        self._run_ended.set()
        self._reporter = self._display = None
