"""The log handler, fed with records as Snakemake logs them."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable

import pytest
from snakemake.settings.enums import Quietness
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.tests import TestLogHandlerBase as InterfaceChecks

from snakemake_logger_plugin_progress import LogHandler, LogHandlerSettings

STATS = {"bronze": 2, "silver": 2, "all": 1, "total": 5}
NEVER_SECONDS = 1e6

HEADER = dict.fromkeys(
    "datetime workflow_id platform host user snakemake_version python_version cmd snakefile_main "
    "basedir rundir cwd configfiles config_md5".split(),
    "",
)


class TestInterface(InterfaceChecks):
    """The checks that come with the plugin interface."""

    __test__ = True

    def get_log_handler_cls(self) -> type[LogHandler]:
        return LogHandler

    def get_log_handler_settings(self) -> LogHandlerSettings:
        return LogHandlerSettings()


class Feed:
    """A handler on a text stream and shorthands for the records of a run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **output_settings: object) -> None:
        self.stream = io.StringIO()
        name = "stdout" if output_settings.get("stdout") else "stderr"
        monkeypatch.setattr(sys, name, self.stream)
        settings = LogHandlerSettings(interval_seconds=NEVER_SECONDS)
        self.handler = LogHandler(OutputSettings(**output_settings), settings)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def log(
        self,
        message: str | None,
        event: LogEvent | None = None,
        level: int = logging.INFO,
        **fields: object,
    ) -> None:
        record = logging.LogRecord("snakemake.logging", level, __file__, 1, message, (), None)
        vars(record).update(fields)
        if event is not None:
            record.event = event
        self.handler.handle(record)

    def start(self) -> None:
        self.log("Job stats: the table", LogEvent.RUN_INFO, stats=STATS)

    def job(self, job_id: int, rule: str, **wildcards: str) -> None:
        fields = dict(
            jobid=job_id, rule_name=rule, rule_msg=None, local=False, input=[], output=["out"],
            log=[f"logs/{rule}.log"], benchmark=None, wildcards=wildcards, reason="new",
            resources={}, priority=0, threads=1, indent=False, is_checkpoint=False,
            printshellcmd=True, is_handover=False, shellcmd=f"make {rule}",
        )  # fmt: skip
        self.log("info", LogEvent.JOB_INFO, **fields)
        self.log("command", LogEvent.SHELLCMD, shellcmd=f"make {rule}", indent=False)

    def finished(self, job_id: int, done: int, total: int = 5) -> None:
        self.log("finished", LogEvent.JOB_FINISHED, job_id=job_id)
        self.log(None, LogEvent.PROGRESS, done=done, total=total)

    def failed(self, job_id: int, rule: str, message: str | None = None, **fields: object) -> None:
        info = dict(
            rule_name=rule, rule_msg=message, jobid=job_id, input=[], output=["out"],
            log=[f"logs/{rule}.log"], conda_env=None, container_img=None, aux={}, indent=False,
            shellcmd=None,
        )  # fmt: skip
        self.log("error", LogEvent.JOB_ERROR, logging.ERROR, **(info | fields))

    def exception(self, message: str, name: str = "RuleException") -> None:
        self.log(message, LogEvent.ERROR, logging.ERROR, exception=name)


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Feed]:
    return lambda **output_settings: Feed(monkeypatch, **output_settings)


EXIT_3 = (
    "RuleException:\nCalledProcessError in file 'S', line 1:\n"
    "Command returned non-zero exit status 3."
)


def test_jobs_of_parts_count_although_they_are_told_before_the_records_arrive(
    feed: Callable[..., Feed],
) -> None:
    run = feed()
    run.handler.parts_expected({"part": 100})
    run.start()
    run.handler.close()
    assert "0 of 105 jobs done" in run.text


def test_exception_of_a_job_becomes_part_of_its_line(feed: Callable[..., Feed]) -> None:
    run = feed()
    run.start()
    run.job(1, "silver", ticker="AAPL")
    run.exception(EXIT_3)
    run.failed(1, "silver")
    assert "FAILED silver ticker=AAPL: exit status 3 (log: logs/silver.log)\n" in run.text
    assert "RuleException" not in run.text


def test_message_of_the_executor_is_the_cause(feed: Callable[..., Feed]) -> None:
    run = feed()
    run.start()
    run.job(1, "silver", ticker="AAPL")
    run.failed(1, "silver", message="ValueError: bad bar", aux={"external_jobid": "77"})
    assert "FAILED silver ticker=AAPL: ValueError: bad bar, external job 77 (log" in run.text


def test_error_of_another_thread_is_not_taken_for_the_cause(feed: Callable[..., Feed]) -> None:
    run = feed()
    run.start()
    run.job(1, "silver")
    run.log(EXIT_3, LogEvent.ERROR, logging.ERROR, exception="RuleException", thread=1)
    run.failed(1, "silver", thread=2)
    assert "FAILED silver: no reason reported" in run.text
    run.handler.close()
    assert EXIT_3 in run.text


def test_error_without_a_job_is_shown_in_full(feed: Callable[..., Feed]) -> None:
    run = feed()
    run.start()
    run.exception("WorkflowError:\nThe scheduler broke\n  in two", name="WorkflowError")
    run.log("Shutting down, this might take some time.")
    assert "WorkflowError:\nThe scheduler broke\n  in two\nShutting down" in run.text


def test_missing_output_is_a_failure_with_log_and_wildcards(feed: Callable[..., Feed]) -> None:
    run = feed()
    run.start()
    run.job(1, "silver", ticker="A")
    run.exception("MissingOutputException in rule silver:\nJob 1 completed, but", "MissingOutput")
    run.handler.close()
    assert "silver ticker=A: MissingOutput, described above (log: logs/silver.log)" in run.text


def test_interrupted_jobs_are_not_failures(feed: Callable[..., Feed]) -> None:
    run = feed()
    run.start()
    run.job(1, "silver")
    run.log("Terminating processes on user request, this might take some time.")
    run.failed(1, "silver")
    run.handler.close()
    assert "Terminating processes" in run.text
    assert "FAILED" not in run.text
    assert "5 not run or not finished" in run.text


def test_group_failure_is_one_line(feed: Callable[..., Feed]) -> None:
    run = feed()
    run.start()
    for job_id, ticker in ((1, "A"), (2, "B")):
        run.job(job_id, "bronze", ticker=ticker)
    member = {"rule_name": "bronze", "log": ["b.log"], "aux": {"external_jobid": "9"}}
    infos = [member | {"jobid": 1}, member | {"jobid": 2}]
    run.log(
        "Error in group g1", LogEvent.GROUP_ERROR, logging.ERROR,
        groupid="g1", aux_logs=["slurm.log"], job_error_info=infos,
    )  # fmt: skip
    run.failed(1, "bronze", indent=True)
    run.failed(2, "bronze", indent=True)
    assert run.text.count("FAILED") == 1
    assert (
        "FAILED group g1 (bronze ticker=A, bronze ticker=B): no reason reported, external job 9 "
        "(log: slurm.log, b.log)"
    ) in run.text
    run.handler.close()
    assert "2 failed:" in run.text


def test_chatter_is_dropped_and_warnings_are_not(feed: Callable[..., Feed]) -> None:
    run = feed()
    run.start()
    run.log("Select jobs to execute...")
    run.log("Execute 2 jobs...", LogEvent.JOB_STARTED, jobs=[1, 2])
    run.log("Select jobs to execute: a warning", level=logging.WARNING)
    run.log("Waiting for queue input...")
    assert run.text == (
        "Job stats: the table\nSelect jobs to execute: a warning\nWaiting for queue input...\n"
    )


def test_verbose_shows_everything(feed: Callable[..., Feed]) -> None:
    run = feed(verbose=True)
    run.start()
    run.log("Select jobs to execute...")
    run.job(1, "bronze", ticker="A")
    assert "Select jobs" in run.text
    assert "wildcards: ticker=A" in run.text


def test_shell_commands_on_request(feed: Callable[..., Feed]) -> None:
    run = feed(printshellcmds=True)
    run.start()
    run.job(1, "bronze", ticker="A")
    assert "bronze ticker=A: make bronze\n" in run.text


def test_quiet_rules_still_reports_failures(feed: Callable[..., Feed]) -> None:
    run = feed(quiet={Quietness.RULES})
    run.start()
    run.job(1, "bronze", ticker="A")
    run.failed(1, "bronze")
    run.handler.close()
    assert "FAILED bronze ticker=A" in run.text
    assert "0 of 5 jobs done" in run.text


def test_quiet_progress_reports_failures_only(feed: Callable[..., Feed]) -> None:
    run = feed(quiet={Quietness.PROGRESS})
    run.start()
    run.job(1, "bronze", ticker="A")
    run.job(2, "bronze", ticker="B")
    run.failed(1, "bronze")
    run.failed(2, "bronze")
    run.log("Trying to restart job 2.")
    run.handler.close()
    assert "1 failed:\n  bronze ticker=A" in run.text
    assert "jobs done" not in run.text
    assert "Job stats" not in run.text


def test_quiet_all_writes_nothing(feed: Callable[..., Feed]) -> None:
    run = feed(quiet={Quietness.ALL})
    run.start()
    run.job(1, "bronze")
    run.failed(1, "bronze")
    run.handler.close()
    assert run.text == ""


def test_next_run_of_the_same_handler_starts_from_zero(feed: Callable[..., Feed]) -> None:
    run = feed()
    for _ in range(2):
        run.start()
        run.job(1, "bronze")
        run.finished(1, done=1)
        run.log("Workflow", LogEvent.WORKFLOW_STARTED, quietness=Quietness.ALL, **HEADER)
    assert run.text.count("1 of 5 jobs done") == 2


def test_closing_twice_sums_up_once(feed: Callable[..., Feed]) -> None:
    run = feed()
    run.start()
    run.handler.close()
    run.handler.close()
    assert run.text.count("0 of 5 jobs done") == 1


def test_a_closed_pipe_silences_the_handler(feed: Callable[..., Feed]) -> None:
    run = feed()

    def broken(text: str) -> None:
        raise BrokenPipeError

    run.stream.write = broken
    run.start()
    run.job(1, "bronze")
    run.handler.close()
    assert run.text == ""


def test_dry_run_counts_the_jobs_it_does_not_show(feed: Callable[..., Feed]) -> None:
    run = feed(dryrun=True, stdout=True)
    run.start()
    for job_id in range(10):
        run.job(job_id, "bronze", ticker=str(job_id))
    run.job(10, "silver", ticker="A")
    run.log("Would remove temporary output bronze/1")
    run.start()
    assert run.text.count("rule bronze:") == 3
    assert run.text.count("rule silver:") == 1
    assert "Jobs not shown: bronze 7 " in run.text
    assert run.text.count("Job stats: the table") == 2
    assert "temporary" not in run.text
