"""The executor plugin: Snakemake's local executor, with Python scripts run by the process itself."""

from __future__ import annotations

import contextvars
import logging
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from snakemake.executors.local import Executor as LocalExecutor
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from snakemake_executor_plugin_warm.relied_on import check_snakemake
from snakemake_executor_plugin_warm.report import Reports
from snakemake_executor_plugin_warm.routing import Router
from snakemake_parts import progress
from snakemake_parts.run import failed_job
from snakemake_warm_worker.protocol import Outcome
from snakemake_warm_worker.script import run_job

# How often what is done gets its records and is told upwards: a kill loses no more than that.
_REPORT_SECONDS = 0.5


class Executor(LocalExecutor):  # type: ignore[misc]
    """Runs the jobs of a selection in turn, and has Snakemake record those that are over."""

    # To a scheduler: select what the other resources allow, there is one job at a time.
    limits_cores = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_snakemake(self.workflow)
        self._router = Router(self.workflow)
        self._reports = Reports(self.workflow)
        self._paths = (self._router.search_paths(), list(sys.path))
        self._is_told_to_stop = False
        self._running: Any = None
        self._done: list[SubmittedJobInfo] = []
        self._counts: Counter[str] = Counter()
        self._failed: list[progress.FailedJob] = []
        self._told_at = time.monotonic()
        # One line for each job that failed, and whether an interrupt has ended the run.
        self.errors: dict[object, str] = {}
        self.is_cancelled = False

    def run_jobs(self, jobs: Iterable[Any]) -> None:
        # Snakemake's own handler takes a lock that this very thread may hold.
        if signal.getsignal(signal.SIGTERM) != self._stop:
            signal.signal(signal.SIGTERM, self._stop)
            progress.tell(progress.News({}, []))  # from here on, SIGTERM is a request
        scheduler = self.workflow.scheduler
        waiting = list(reversed(list(jobs)))
        while waiting and not (self._is_told_to_stop or self._is_due()):
            self.run_job(waiting.pop())
        if self._is_told_to_stop:
            scheduler._user_kill = "graceful"
        # What has not begun is ready again, for the next selection if there is one.
        scheduler.running.difference_update(waiting)
        self.dag._ready_jobs.update(waiting)
        for job in waiting:
            scheduler._free_resources(job)
        self._report()

    def run_job(self, job: Any) -> None:
        script_id = self._router.script_id(job)
        if script_id is None:
            info = SubmittedJobInfo(job)
            if job.is_norun and not job.has_products():
                self.report_job_submission(info)
                self._done.append(info)
            else:
                super().run_job(job)
            return
        if self.logger.isEnabledFor(logging.INFO):
            self.run_job_pre(job)
        self._running = job
        self.workflow.async_run(job.prepare())
        info = SubmittedJobInfo(job)
        self.report_job_submission(info)
        outcome = self._run_script(job, script_id)
        self._running = None
        if outcome.error is None:
            self._done.append(info)
            self._counts[job.rule.name] += 1
        else:
            self.errors[job] = outcome.error
            self._reports.print_error(job, outcome.error, outcome.traceback)
            self._failed.append(failed_job(job, outcome.error))
            self.workflow.scheduler.error_callback(job)

    def cancel(self) -> None:
        """After an interrupt: what is done is recorded, what was under way leaves no half output."""
        self.is_cancelled = True
        if self._running is not None:
            self.workflow.async_run(self._running.postprocess(error=True))
        for info in self._done:
            self.workflow.async_run(self._recorded(info.job))
        super().cancel()

    async def _recorded(self, job: Any) -> None:
        await job.postprocess(store_in_storage=True, handle_log=True, handle_touch=True)
        await self.workflow.persistence.finished(job)

    def _run_script(self, job: Any, script_id: int) -> Outcome:
        config = self._router.configs[self._router.config_id(job)]
        main, argv, path = sys.modules["__main__"], sys.argv, list(sys.path)
        directory = os.getcwd()
        try:
            # In a context of its own, as decimal and numpy keep their settings there.
            return contextvars.copy_context().run(
                run_job,
                self._router.scripts[script_id],
                config,
                self._router.pickled(job),
                None,
                self._paths,
                [],
            )
        finally:
            sys.modules["__main__"], sys.argv = main, argv
            sys.path[:] = path
            os.chdir(directory)

    def _stop(self, *_: Any) -> None:
        self._is_told_to_stop = True

    def _is_due(self) -> bool:
        return time.monotonic() - self._told_at >= _REPORT_SECONDS

    def _report(self) -> None:
        """Have Snakemake look at what is over, in one look, and tell it upwards."""
        for info in self._done:
            super().report_job_success(info)
        self._done = []
        if progress.is_heard() and (self._counts or self._failed):
            progress.tell(progress.News(dict(self._counts), self._failed))
        self._counts, self._failed = Counter(), []
        self._told_at = time.monotonic()
        permits = self.workflow.scheduler._open_jobs
        while permits.acquire(blocking=False):
            pass
        permits.release()
