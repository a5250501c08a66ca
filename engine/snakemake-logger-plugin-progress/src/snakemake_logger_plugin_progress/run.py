"""The counters of one workflow run, fed by Snakemake's log events."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

RATE_WINDOW_SECONDS = 60.0
FAR_LONGER = 3.0
"""A job that has run so many times as long as the others of its rule says nothing of its end."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed job, or a failed group of jobs, as shown to the user."""

    label: str
    cause: str
    logs: tuple[str, ...]


class RunningJob(NamedTuple):
    """What a job is called, where it logs, and when this attempt began."""

    rule: str
    wildcards: Mapping[str, str]
    logs: Sequence[str]
    since: float


@dataclass(slots=True)
class RuleCount:
    """Jobs of one rule: in the plan, started so far (a retry is no new start), done.

    Of `timed` of those done it is known that they took `seconds` in all; not of those in parts.
    """

    total: int = 0
    started: int = 0
    done: int = 0
    timed: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Run:
    """What is known about a run: jobs done per rule, failures, speed.

    ``done`` and ``total`` are Snakemake's own numbers and those of jobs that are runs of parts;
    the counts per rule come from the job statistics at the start and grow when a checkpoint adds
    jobs. Times are seconds on the monotonic clock.
    """

    started_at: float
    total: int
    done: int = 0
    rules: dict[str, RuleCount] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)
    retrying: dict[int, Failure] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _parts_done: int = 0
    _parts_total: int = 0
    _running: dict[int, RunningJob] = field(default_factory=dict)
    _rule_of_failed: dict[int, str] = field(default_factory=dict)
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    @classmethod
    def from_stats(cls, stats: Mapping[str, int], now: float) -> Run:
        """A run from Snakemake's job statistics: jobs per rule in flow order, and ``total``."""
        rules = {rule: RuleCount(total=n) for rule, n in stats.items() if rule != "total"}
        return cls(started_at=now, total=stats["total"], rules=rules)

    def progressed(self, done: int, total: int) -> None:
        """Take Snakemake's own numbers."""
        self.done, self.total = done + self._parts_done, total + self._parts_total

    def parts_expected(self, jobs: Mapping[str, int]) -> None:
        """Note how many jobs the runs of parts will do, by rule."""
        for rule, number in jobs.items():
            self._count(rule).total += number
            self._parts_total += number
            self.total += number

    def part_progressed(self, done: Mapping[str, int]) -> None:
        """Count what a run of a part has done since it was last heard of."""
        for rule, number in done.items():
            count = self._count(rule)
            count.done += number
            count.started = max(count.started, count.done)
            if (surplus := count.done - count.total) > 0:
                self.parts_expected({rule: surplus})
            self._parts_done += number
            self.done += number

    def part_failed(
        self, rule: str, wildcards: Mapping[str, str], cause: str, logs: Iterable[str]
    ) -> Failure:
        """Note that a job in a run of a part failed."""
        label = " ".join([rule, *(f"{name}={value}" for name, value in wildcards.items())])
        failure = Failure(label, cause, tuple(logs))
        self._count(rule).started += 1
        # Numbers of jobs of this run are not negative.
        self._set_failed(-1 - len(self._rule_of_failed), rule, failure)
        return failure

    def job_started(
        self, job_id: int, rule: str, wildcards: Mapping[str, str], logs: Sequence[str]
    ) -> None:
        """Note an attempt of a job; a new attempt clears the failure of the one before."""
        self._running[job_id] = RunningJob(rule, wildcards, logs, self.clock())
        failure = self.failures.pop(job_id, None)
        if failure is not None:
            self.retrying[job_id] = failure
        elif job_id not in self.retrying:
            count = self._count(rule)
            count.started += 1
            count.total = max(count.total, count.started)

    def job_finished(self, job_id: int) -> None:
        """Count a job as done, once."""
        job = self._running.pop(job_id, None)
        if job is not None:
            count = self._count(job.rule)
            count.done += 1
            count.timed += 1
            count.seconds += self.clock() - job.since
        self.retrying.pop(job_id, None)
        self.failures.pop(job_id, None)

    def job_failed(self, job_id: int, rule: str, cause: str, logs: Iterable[str]) -> Failure:
        """Note that the last attempt of a job failed."""
        failure = Failure(self.label(job_id, rule), cause, tuple(logs))
        self._set_failed(job_id, rule, failure)
        return failure

    def group_failed(
        self, group_id: str, jobs: Mapping[int, str], cause: str, logs: Iterable[str]
    ) -> Failure:
        """Note the failure of a group; ``jobs`` maps the members' ids to their rules."""
        members = [self.label(job_id, rule) for job_id, rule in jobs.items()]
        shown = ", ".join(members[:3]) + (f" and {len(members) - 3} more" if members[3:] else "")
        failure = Failure(f"group {group_id} ({shown})", cause, tuple(logs))
        for job_id, rule in jobs.items():
            self._set_failed(job_id, rule, failure)
        return failure

    def job_retried(self, job_id: int) -> Failure | None:
        """Move a failure to the jobs that wait for another attempt; None if there is none."""
        failure = self.failures.pop(job_id, None)
        if failure is not None:
            self.retrying[job_id] = failure
        return failure

    def give_up_retries(self) -> None:
        """At the end: a job that was to be retried and never succeeded has failed."""
        self.failures.update(self.retrying)
        self.retrying.clear()

    def running_job(self, job_id: int) -> RunningJob | None:
        """A job that was started and is not finished, None for any other."""
        return self._running.get(job_id)

    def label(self, job_id: int, rule: str) -> str:
        """Rule and wildcards of a running job, such as ``silver ticker=AAPL``."""
        job = self._running.get(job_id)
        wildcards = job.wildcards if job is not None else {}
        return " ".join([rule, *(f"{name}={value}" for name, value in wildcards.items())])

    def failed_per_rule(self) -> Counter[str]:
        """Number of failed jobs by rule."""
        return Counter(self._rule_of_failed[job_id] for job_id in self.failures)

    def rate_per_second(self, now: float) -> float:
        """Jobs per second over the last minute, or since before the last job that was done.

        Thousands of small jobs a minute ago say nothing of the large ones that are left.
        """
        samples = self._samples or deque([(self.started_at, 0)])
        samples.append((now, self.done))
        while samples[0][0] < now - RATE_WINDOW_SECONDS and samples[1][1] < self.done:
            samples.popleft()
        since, done_before = samples[0]
        self._samples = samples
        return (self.done - done_before) / max(now - since, 1e-3)

    def seconds_left(self, now: float) -> tuple[float | None, bool]:
        """Seconds that the jobs left should take, and whether that is not all of it.

        A job takes as long as those of its rule that are done, as many at once as now. Of rules of
        which none is done yet, and of a job that takes far longer than the others, nothing is known:
        the second value tells that there are such. The first is None if there are no others.
        Jobs of parts are done at the rate of the last minute.
        """
        running: dict[str, list[float]] = {}
        for job_id, job in self._running.items():
            if job_id not in self.failures and job_id not in self.retrying:
                running.setdefault(job.rule, []).append(now - job.since)
        failed = self.failed_per_rule()
        work, in_parts, is_any, is_known, is_more = 0.0, 0, False, False, False
        for rule, count in self.rules.items():
            left = count.total - count.done - failed[rule]
            if left <= 0:
                continue
            is_any = True
            if not count.done:
                is_more = True
                continue
            if not count.timed:
                in_parts += left
                continue
            mean = count.seconds / count.timed
            under_way = running.get(rule, [])
            expected = [elapsed for elapsed in under_way if elapsed <= FAR_LONGER * mean]
            is_more = is_more or len(expected) < len(under_way)
            is_known = is_known or bool(expected) or left > len(under_way)
            work += sum(max(mean - elapsed, 0.0) for elapsed in expected)
            work += mean * max(left - len(under_way), 0)
        if not is_any:
            return 0.0, False
        at_once = max(sum(map(len, running.values())), 1)
        seconds = work / at_once
        if in_parts and (rate := self.rate_per_second(now)) > 0:
            seconds, is_known = max(seconds, in_parts / rate), True
        return (seconds if is_known else None), is_more

    def _count(self, rule: str) -> RuleCount:
        count = self.rules.get(rule)
        if count is None:
            count = self.rules[rule] = RuleCount()
        return count

    def _set_failed(self, job_id: int, rule: str, failure: Failure) -> None:
        self.failures[job_id] = failure
        self.retrying.pop(job_id, None)
        self._rule_of_failed[job_id] = rule
