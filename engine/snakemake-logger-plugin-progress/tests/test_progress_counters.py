"""The counters and the words of the progress logger, without Snakemake."""

from __future__ import annotations

import pytest
from snakemake_interface_common.exceptions import ApiError

from snakemake_logger_plugin_progress import LogHandlerSettings, text
from snakemake_logger_plugin_progress.run import Run

STATS = {"bronze": 3, "silver": 3, "all": 1, "total": 7}


def started(run: Run, job_id: int, rule: str, **wildcards: str) -> None:
    run.job_started(job_id, rule, wildcards, [f"logs/{rule}.log"])


@pytest.fixture
def run() -> Run:
    return Run.from_stats(STATS, now=100.0)


def test_rules_keep_the_order_of_the_statistics(run: Run) -> None:
    assert list(run.rules) == ["bronze", "silver", "all"]
    assert run.total == 7


def test_a_job_is_counted_once(run: Run) -> None:
    started(run, 1, "bronze", ticker="A")
    run.job_finished(1)
    run.job_finished(1)
    assert run.rules["bronze"].done == 1


def test_a_failure_names_rule_and_wildcards(run: Run) -> None:
    started(run, 2, "silver", ticker="AAPL", exchange="nasdaq")
    failure = run.job_failed(2, "silver", "exit status 3", ["logs/a.log", "logs/b.log"])
    assert text.failure_line(failure) == (
        "silver ticker=AAPL exchange=nasdaq: exit status 3 (log: logs/a.log, logs/b.log)"
    )
    assert run.failed_per_rule() == {"silver": 1}


def test_a_retry_that_succeeds_is_no_failure_and_done_once(run: Run) -> None:
    started(run, 1, "bronze")
    run.job_failed(1, "bronze", "exit status 1", [])
    assert run.job_retried(1) is not None
    assert not run.failures
    started(run, 1, "bronze")
    run.job_finished(1)
    run.give_up_retries()
    assert not run.failures
    assert (run.rules["bronze"].done, run.rules["bronze"].started) == (1, 1)


def test_a_second_attempt_clears_the_failure_without_a_word_about_it(run: Run) -> None:
    started(run, 1, "bronze")
    run.job_failed(1, "bronze", "exit status 1", [])
    started(run, 1, "bronze")
    assert not run.failures
    assert run.rules["bronze"].started == 1


def test_a_retry_that_never_succeeds_is_a_failure_at_the_end(run: Run) -> None:
    started(run, 1, "bronze")
    run.job_failed(1, "bronze", "exit status 1", [])
    run.job_retried(1)
    run.give_up_retries()
    assert list(run.failures) == [1]


def test_a_group_is_one_failure_of_many_jobs(run: Run) -> None:
    for job_id in range(5):
        started(run, job_id, "bronze", ticker=f"T{job_id}")
    failure = run.group_failed("g1", dict.fromkeys(range(5), "bronze"), "exit status 1", ["x.log"])
    assert failure.label == (
        "group g1 (bronze ticker=T0, bronze ticker=T1, bronze ticker=T2 and 2 more)"
    )
    assert next(iter(text.failed_lines(run, 20))) == "5 failed:"
    assert len(list(text.failed_lines(run, 20))) == 2


def test_jobs_of_a_checkpoint_raise_the_total_of_their_rule(run: Run) -> None:
    for job_id in range(5):
        started(run, job_id, "bronze")
    assert run.rules["bronze"].total == 5
    started(run, 9, "late")
    assert run.rules["late"].total == 1


def test_rate_follows_the_last_minute(run: Run) -> None:
    run.total = 10_000
    for second in range(1, 301):
        run.done += 100 if second <= 200 else 2
        speed = run.rate_per_second(100.0 + second)
    assert speed == pytest.approx(2.0)


class Clock:
    """The time that a run is told."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def timed(stats: dict[str, int]) -> tuple[Run, Clock]:
    clock = Clock(100.0)
    run = Run.from_stats(stats | {"total": sum(stats.values())}, now=clock.now)
    run.clock = clock
    return run, clock


def do(run: Run, clock: Clock, rule: str, jobs: range, seconds: float) -> None:
    for job_id in jobs:
        started(run, job_id, rule)
        clock.now += seconds
        run.job_finished(job_id)
        run.done += 1


def test_time_left_goes_by_the_jobs_of_each_rule() -> None:
    run, clock = timed({"small": 1000, "model": 4})
    do(run, clock, "small", range(850), 0.01)
    assert text.time_left(run, clock.now) == "00:00:02+"  # of the models nothing is known
    do(run, clock, "small", range(850, 1000), 0.01)
    assert text.time_left(run, clock.now) == "--:--:--"
    do(run, clock, "model", range(1000, 1001), 30.0)
    assert text.time_left(run, clock.now) == "00:01:30"
    for job_id in (1001, 1002, 1003):
        started(run, job_id, "model")
    assert text.time_left(run, clock.now) == "00:00:30"
    assert text.time_left(run, clock.now + 20) == "00:00:10"


def test_a_job_that_takes_far_longer_than_others_promises_no_end() -> None:
    run, clock = timed({"model": 2})
    do(run, clock, "model", range(1), 10.0)
    started(run, 1, "model")
    assert text.time_left(run, clock.now + 29) == "00:00:00"
    assert text.time_left(run, clock.now + 31) == "--:--:--"


def test_at_the_end_no_time_is_left() -> None:
    run, clock = timed({"small": 2})
    do(run, clock, "small", range(2), 10.0)
    assert text.time_left(run, clock.now) == "00:00:00"


def test_jobs_of_parts_go_by_the_rate() -> None:
    run, clock = timed({"part": 1})
    run.parts_expected({"small": 100})
    run.part_progressed({"small": 50})
    assert text.time_left(run, clock.now + 10) == "00:00:10+"


def test_failed_jobs_are_not_waited_for() -> None:
    run, clock = timed({"small": 3})
    do(run, clock, "small", range(1), 10.0)
    started(run, 1, "small")
    run.job_failed(1, "small", "exit status 1", [])
    assert text.time_left(run, clock.now) == "00:00:10"


def test_small_jobs_do_not_promise_that_large_ones_are_quick(run: Run) -> None:
    run.total = 1003
    for second in range(1, 11):
        run.done += 100
        run.rate_per_second(100.0 + second)
    for second in range(11, 611, 5):
        run.rate_per_second(100.0 + second)
    assert run.rate_per_second(710.0) == pytest.approx(0.17, abs=0.01)
    run.done += 1
    assert run.rate_per_second(810.0) == pytest.approx(0.01)


def test_rate_before_the_first_job_gives_no_eta(run: Run) -> None:
    assert text.headline(run, 101.0) == "0/7 jobs  0.00/s  ETA --:--:--"


def test_progress_line_shows_rules_under_way_and_failures() -> None:
    run = Run.from_stats({"bronze": 1000, "silver": 1000, "gold": 1000, "total": 3000}, now=0.0)
    run.clock = lambda: 0.0
    for job_id in range(1003):
        rule = "bronze" if job_id < 1000 else "silver"
        started(run, job_id, rule)
        run.job_finished(job_id)
    run.done = 1003
    started(run, 2000, "silver")
    run.job_failed(2000, "silver", "exit status 1", [])
    assert text.progress_line(run, 10.0) == (
        "[00:00:10] 1,003/3,000 jobs  100/s  ETA --:--:--  silver 3/1,000  1 failed"
    )


def test_summary_caps_the_failures(run: Run) -> None:
    for job_id in range(3):
        started(run, job_id, "bronze", ticker=str(job_id))
        run.job_failed(job_id, "bronze", "exit status 1", [])
    run.done = 2
    lines = list(text.summary_lines(run, 102.0, max_failures_shown=1))
    assert lines[0] == "2 of 7 jobs done in 00:00:02 (1.0/s)"
    assert lines[4:] == [
        "3 failed:",
        "  bronze ticker=0: exit status 1 (no log file)",
        "  and 2 more",
        "2 not run or not finished",
    ]


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (
            "RuleException:\nCalledProcessError in file 'Snakefile', line 14:\n"
            "Command 'set -e; false' returned non-zero exit status 3.",
            "exit status 3",
        ),
        (
            "RuleException:\nCalledProcessError in file 'Snakefile', line 14:\n"
            "Command 'x' died with <Signals.SIGKILL: 9>.",
            "killed by SIGKILL",
        ),
        (
            "RuleException:\nZeroDivisionError in file 'Snakefile', line 20:\ndivision by zero\n"
            "  File 'Snakefile', line 20, in __rule_x",
            "ZeroDivisionError: division by zero",
        ),
        ("ValueError: bad bar", "ValueError: bad bar"),
        ("", "no reason reported"),
        ("x" * 500, "x" * 197 + "..."),
    ],
)
def test_cause_of_a_failure_is_one_short_line(message: str, cause: str) -> None:
    assert text.failure_cause(message) == cause


@pytest.mark.parametrize(
    ("setting", "value"),
    [("interval_seconds", 0.0), ("max_failures_shown", -1), ("dry_run_jobs_per_rule", -1)],
)
def test_a_bad_setting_is_named(setting: str, value: float) -> None:
    with pytest.raises(ApiError, match=f"--logger-progress-{setting.replace('_', '-')} must be"):
        LogHandlerSettings(**{setting: value})


def test_what_a_job_says_of_itself_is_told_once() -> None:
    run = Run.from_stats({"bronze": 1, "total": 1}, now=0.0)
    run.job_started(1, "bronze", {"ticker": "A"}, ["logs/a.log"])
    message = "exit status 1: bronze A: cannot be read (log: logs/a.log) (ticker=A)"
    failure = run.job_failed(1, "bronze", text.failure_cause(message), ["logs/a.log"])
    assert text.failure_line(failure) == (
        "bronze ticker=A: exit status 1: bronze A: cannot be read (log: logs/a.log)"
    )
    assert list(text.failed_lines(run, 0)) == ["1 failed"]
