"""Snakemake scheduler plugin `depth-first`: what was begun gets finished first."""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from snakemake_interface_scheduler_plugins.base import SchedulerBase
from snakemake_interface_scheduler_plugins.interfaces.jobs import GroupJobSchedulerInterface

from snakemake_scheduler_plugin_depth_first.settings import SchedulerSettings

__all__ = ["Scheduler", "SchedulerSettings"]

_CORES = "_cores"
_JOB_COUNT = "_job_count"


class Scheduler(SchedulerBase):
    """Selects by priority, then depth, then name of the first output.

    The depth of a job is the number of jobs on the longest chain below it that had to run
    when it was first seen: an earlier step of a chain has a smaller depth than a later one.
    The order of jobs is the same in each run.

    With an executor that says that it ``limits_cores`` itself, all jobs that the other
    resources allow are selected, in that order: Snakemake goes through all jobs of the workflow
    for each selection, so that few selections of many jobs cost least.
    """

    def __post_init__(self) -> None:
        self._depths: dict[Any, int] = {}
        if isinstance(self.settings, SchedulerSettings) and self.settings.no_rate_limit:
            # Snakemake makes its limiter from this setting, after it has made the scheduler.
            dag: Any = self.dag  # more than the interface tells
            dag.workflow.scheduling_settings.max_jobs_per_timespan = None

    def select_jobs(
        self,
        selectable_jobs: Iterable[Any],
        remaining_jobs: Iterable[Any],
        available_resources: Mapping[str, int | str],
        input_sizes: Mapping[Any, int],
    ) -> Sequence[Any]:
        jobs = list(selectable_jobs)
        if any(job not in self._depths for job in jobs):
            self._update_depths(jobs)
        free = {
            name: amount
            for name, amount in available_resources.items()
            if isinstance(amount, int) and amount < sys.maxsize
        }
        if self._executor_limits_cores(jobs):
            free.pop(_CORES, None)
        if free.keys() <= {_JOB_COUNT}:
            return heapq.nsmallest(free.get(_JOB_COUNT, len(jobs)), jobs, key=self._rank)
        ranked = [(self._rank(job), index, job) for index, job in enumerate(jobs)]
        heapq.heapify(ranked)
        selected = []
        while ranked and free.get(_CORES, 1) > 0:
            job = heapq.heappop(ranked)[2]
            needs = job.scheduler_resources
            if all(needs.get(name, 0) <= amount for name, amount in free.items()):
                selected.append(job)
                for name in free:
                    free[name] -= needs.get(name, 0)
        return selected

    def _rank(self, job: Any) -> tuple[int, int, str]:
        return (-job.priority, -self._depths[job], min(job.output, default=""))

    def _executor_limits_cores(self, jobs: Sequence[Any]) -> bool:
        scheduler = getattr(getattr(self.dag, "workflow", None), "scheduler", None)
        if scheduler is None or not jobs:
            return False
        return all(getattr(scheduler.get_executor(job), "limits_cores", False) for job in jobs[:1])

    def _update_depths(self, selectable_jobs: Sequence[Any]) -> None:
        needed = set(self.dag.needrun_jobs())
        depths = self._depths
        stack = [job for job in needed if job not in depths]
        while stack:
            job = stack[-1]
            below = [other for other in self.dag.job_dependencies(job) if other in needed]
            missing = [other for other in below if other not in depths]
            if missing:
                stack.extend(missing)
            else:
                stack.pop()
                depths[job] = 1 + max((depths[other] for other in below), default=-1)
        for job in selectable_jobs:
            if isinstance(job, GroupJobSchedulerInterface):
                depths[job] = max(depths.get(member, 0) for member in cast(Iterable[Any], job))
            else:
                depths.setdefault(job, 0)
