"""What happens with Snakemake's log records during a run: count, hold back, show."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import OutputSettingsLoggerInterface

from snakemake_logger_plugin_progress import text
from snakemake_logger_plugin_progress.display import Display
from snakemake_logger_plugin_progress.parts import News
from snakemake_logger_plugin_progress.run import Run

# Messages that Snakemake repeats per job or per scheduling round and that the display replaces.
CHATTER = (
    "Select jobs to execute",
    "Job rate limit reached",
    "Removing output files of failed job",
    "Removing temporary output",
    "Removing local copy of storage file",
    "Touching output file",
    "Write-protecting output file",
    "DAG of jobs will be updated",
    "Updating checkpoint dependencies",
    "Updating jobs with queue input",
    "Retrieving from storage",
    "Finished retrieval",
    "Storing in storage",
    "Finished upload",
)
INTERRUPT_MESSAGE = "Terminating processes on user request"
LAST_MESSAGE_OF_RUN = "Elapsed time:"
MAX_GROUP_LOGS_SHOWN = 3

_RESTART = re.compile(r"Trying to restart job (\d+)\.")
_JOB_OF_ERROR = re.compile(r"^Job (\d+) ", re.MULTILINE)

# A `logging.LogRecord` to which Snakemake has added the fields of its event.
EventRecord = Any


class RunReporter:
    """Feeds the counters of one run and shows what is no counter.

    Args:
        run: the counters.
        display: takes the lines about failed and retried jobs.
        show: shows a record as Snakemake words it.
        common: Snakemake's output settings.
    """

    def __init__(
        self,
        run: Run,
        display: Display,
        show: Callable[[logging.LogRecord], None],
        common: OutputSettingsLoggerInterface,
    ) -> None:
        self.run = run
        self.is_over = False
        self._is_interrupted = False
        self._write = display.write
        self._show = show
        self._common = common
        # Errors by thread: the thread that reports one names its job in its next record.
        self._unclaimed_errors: dict[int | None, EventRecord] = {}
        self._actions = {
            LogEvent.JOB_INFO: self._on_job_info,
            LogEvent.JOB_FINISHED: self._on_job_finished,
            LogEvent.PROGRESS: self._on_progress,
            LogEvent.SHELLCMD: self._on_detail,
            LogEvent.JOB_STARTED: self._on_detail,
            LogEvent.GROUP_INFO: self._on_detail,
            LogEvent.JOB_ERROR: self._on_job_error,
            LogEvent.GROUP_ERROR: self._on_group_error,
            LogEvent.ERROR: self._on_error,
            None: self._on_message,
        }

    def handle(self, event: LogEvent | None, record: logging.LogRecord) -> None:
        """Take one record; sets ``is_over`` with the last one of a run."""
        self._actions.get(event, self._show)(record)

    def finish(self) -> None:
        """Show the errors held back so far."""
        for thread_id in list(self._unclaimed_errors):
            self._release_error(thread_id)

    # Counters

    def _on_job_info(self, record: EventRecord) -> None:
        self.run.job_started(record.jobid, record.rule_name, record.wildcards, record.log)
        if self._common.verbose:
            self._show(record)
        elif self._common.printshellcmds and record.shellcmd:
            label = self.run.label(record.jobid, record.rule_name)
            self._write(f"{label}: {record.shellcmd}", logging.INFO)

    def _on_job_finished(self, record: EventRecord) -> None:
        self.run.job_finished(record.job_id)

    def _on_progress(self, record: EventRecord) -> None:
        self.run.progressed(record.done, record.total)

    def _on_detail(self, record: logging.LogRecord) -> None:
        if self._common.verbose:
            self._show(record)

    def take_news(self, news: News) -> None:
        """Count what a job that is a run of a part has done, and show what failed there."""
        self.run.part_progressed(news.done)
        for job in news.failed:
            logs = [job.log] if job.log else []
            failure = self.run.part_failed(job.rule, job.wildcards, text.shortened(job.error), logs)
            self._write("FAILED " + text.failure_line(failure), logging.ERROR)
            self._show_logs(logs)

    # Failures

    def _on_error(self, record: logging.LogRecord) -> None:
        """Hold an error back: it may be the exception of a job, which the next record names."""
        self._release_error(record.thread)
        self._unclaimed_errors[record.thread] = record

    def _on_job_error(self, record: EventRecord) -> None:
        if record.indent:
            return  # a member of a failed group, which was reported as a whole
        cause = self._cause(record, record.rule_msg, record.aux)
        if self._is_interrupted or cause == text.INTERRUPTED:
            return  # stopped by the user: not finished, but no failure
        failure = self.run.job_failed(record.jobid, record.rule_name, cause, record.log)
        self._write("FAILED " + text.failure_line(failure), logging.ERROR)
        self._show_logs(record.log)

    def _on_group_error(self, record: EventRecord) -> None:
        infos = record.job_error_info
        jobs = {info["jobid"]: info["rule_name"] for info in infos}
        logs = [*record.aux_logs, *(path for info in infos for path in info["log"])]
        logs = list(dict.fromkeys(logs))
        shown = logs[:MAX_GROUP_LOGS_SHOWN]
        if hidden := len(logs) - len(shown):
            shown.append(f"and {hidden} more")
        cause = self._cause(record, None, infos[0]["aux"] if infos else {})
        failure = self.run.group_failed(record.groupid, jobs, cause, shown)
        self._write("FAILED " + text.failure_line(failure), logging.ERROR)
        self._show_logs(logs)

    def _cause(self, record: logging.LogRecord, message: str | None, aux: dict[str, Any]) -> str:
        """Why a job failed: the exception reported just before, else the executor's message."""
        error = self._unclaimed_errors.pop(record.thread, None)
        if error is not None:
            message = error.getMessage()
            if self._common.verbose:
                self._show(error)
        external_id = aux.get("external_jobid")
        return text.failure_cause(message or "") + (
            f", external job {external_id}" if external_id else ""
        )

    def _release_error(self, thread_id: int | None) -> None:
        """Show an error in full that turned out to come with no job error."""
        record = self._unclaimed_errors.pop(thread_id, None)
        if record is None:
            return
        self._show(record)
        # Missing output files are found after the job; Snakemake then logs no job error.
        match = _JOB_OF_ERROR.search(record.getMessage())
        if match and (job := self.run.running_job(int(match[1]))) is not None:
            cause = f"{record.exception}, described above"
            self.run.job_failed(int(match[1]), job.rule, cause, job.logs)

    def _show_logs(self, paths: list[str]) -> None:
        if self._common.show_failed_logs and paths:
            from snakemake.logging import show_logs

            for line in show_logs(paths):
                self._write(line, logging.INFO)

    # Messages

    def _on_message(self, record: logging.LogRecord) -> None:
        if self._unclaimed_errors:
            self._release_error(record.thread)
        message = record.getMessage()
        if record.levelno == logging.INFO and not self._common.verbose:
            if message.startswith(CHATTER):
                return
            if match := _RESTART.match(message):
                if failure := self.run.job_retried(int(match[1])):
                    self._write(f"RETRY  {failure.label}", logging.WARNING)
                return
        self._show(record)
        self._is_interrupted = self._is_interrupted or message.startswith(INTERRUPT_MESSAGE)
        self.is_over = message.startswith(LAST_MESSAGE_OF_RUN)
