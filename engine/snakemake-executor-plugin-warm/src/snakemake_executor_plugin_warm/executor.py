"""The executor plugin: Snakemake's local executor with warm workers for Python scripts."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from snakemake.executors.local import Executor as LocalExecutor
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from snakemake_executor_plugin_warm.dispatcher import Dispatcher
from snakemake_executor_plugin_warm.relied_on import check_snakemake
from snakemake_executor_plugin_warm.report import Reports
from snakemake_executor_plugin_warm.routing import Router
from snakemake_executor_plugin_warm.settings import ExecutorSettings
from snakemake_executor_plugin_warm.tasks import Task
from snakemake_executor_plugin_warm.workers import Finished
from snakemake_warm_worker.protocol import Setup

# Jobs to look at for the number of workers that will surely be needed.
_LOOK_AHEAD = 256


class Executor(LocalExecutor):
    """Runs `script:` jobs of Python in warm workers, and any other job as it always was.

    Jobs wait in the executor, which never uses more than ``--cores`` cores, whatever a
    scheduler selects. A job that waits has not been touched: its old output is there, nothing
    is marked as incomplete, and it can be taken back.
    """

    # To a scheduler: select what the other resources allow, cores are taken care of here.
    limits_cores = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_snakemake(self.workflow)
        settings = self.workflow.executor_settings or ExecutorSettings()
        router = Router(self.workflow, settings.exclude, settings.only)
        self._reports = Reports(self.workflow)
        self._dispatcher = Dispatcher(
            host=self,
            router=router,
            make_setup=lambda: Setup(
                router.search_paths(), settings.preload, settings.max_jobs, settings.max_rss_mb
            ),
            cores=self.cores or 1,
            settings=settings,
            jobs_in_all=len(self.dag),
        )
        # Jobs that Snakemake has prepared for a worker and not yet heard of again.
        self._under_way: dict[object, Task] = {}
        # One line for each job that failed, and whether an interrupt has ended the run.
        self.errors: dict[object, str] = {}
        self.is_cancelled = False
        # Workers import their modules while Snakemake selects the first jobs.
        self._dispatcher.expect(
            sum(
                router.script_id(job) is not None and job.threads == 1
                for job in itertools.islice(self.dag.ready_jobs, _LOOK_AHEAD)
            )
        )

    # Called by Snakemake, in its main thread

    def run_jobs(self, jobs: Iterable[Any]) -> None:
        self._dispatcher.submit(jobs)

    def run_job(self, job: Any) -> None:
        self._dispatcher.submit([job])

    def handle_job_success(self, job: Any) -> None:
        super().handle_job_success(job)
        self._under_way.pop(job, None)

    def handle_job_error(self, job: Any) -> None:
        super().handle_job_error(job)
        self._under_way.pop(job, None)
        if self._ends_run(job):
            self._dispatcher.withdraw()

    def shutdown(self) -> None:
        self._dispatcher.close()
        self._tell_retirements()
        super().shutdown()

    def cancel(self) -> None:
        self.is_cancelled = True
        self._dispatcher.cancel()
        for task in self._under_way.values():
            self.workflow.async_run(task.job.postprocess(error=True))
        self._under_way.clear()
        self._tell_retirements()
        super().cancel()

    def _tell_retirements(self) -> None:
        for line in self._dispatcher.retirements.lines():
            self.logger.warning(line)

    # Called by the stock code path, in its threads

    def report_job_success(self, job_info: SubmittedJobInfo) -> None:
        self._dispatcher.stock_job_ended(job_info.job)
        super().report_job_success(job_info)

    def report_job_error(
        self, job_info: SubmittedJobInfo, msg: str | None = None, **kwargs: Any
    ) -> None:
        self._dispatcher.stock_job_ended(job_info.job)
        super().report_job_error(job_info, msg, **kwargs)

    # Called by the dispatcher, in its thread

    def wants_to_stop(self) -> bool:
        """Whether the user has asked Snakemake to end after the running jobs (SIGTERM)."""
        return getattr(self.workflow.scheduler, "_user_kill", None) is not None

    def ends_run(self, failed: Task) -> bool:
        return self._ends_run(failed.job)

    def announce(self, task: Task) -> None:
        self.run_job_pre(task.job)

    def prepare(self, task: Task) -> None:
        self.workflow.async_run(task.job.prepare())
        self._under_way[task.job] = task
        # The record of a started job and that of a finished job must not be written at once.
        with getattr(self.workflow.scheduler, "_lock", None) or nullcontext():
            self.report_job_submission(task.info)

    def start_stock_job(self, task: Task) -> None:
        job = task.job
        if not job.is_group() and job.is_norun and not job.has_products():
            # A target rule has nothing to run. To prepare it, Snakemake compares each of its
            # inputs with each job: minutes for 40,000 inputs.
            self.report_job_success(task.info)
        else:
            super().run_job(task.job)

    def finish(self, finished: list[Finished]) -> None:
        for item in finished:
            self._finish(item)
        self._wake_scheduler_once()

    def _ends_run(self, failed: Any) -> bool:
        is_final = failed.restart_times <= failed.attempt - 1
        return is_final and not self.workflow.execution_settings.keep_going

    def _finish(self, finished: Finished) -> None:
        task, outcome, _ = finished
        error = outcome.error
        if error is None and outcome.usages:
            error = self._reports.write_benchmark(task.job, outcome.usages)
        if error is None:
            super().report_job_success(task.info)
        else:
            self.errors[task.job] = error
            self._reports.print_error(task.job, error, outcome.traceback)
            self.workflow.scheduler.error_callback(task.job)

    def _wake_scheduler_once(self) -> None:
        """One look of the scheduler at all jobs that are over, instead of one for each.

        Its first look finds them all, and each further one goes through all that run to find
        nothing. A single permit makes sure that it looks once more from here on.
        """
        permits = getattr(self.workflow.scheduler, "_open_jobs", None)
        if permits is not None:
            while permits.acquire(blocking=False):
                pass
            permits.release()

    def withdraw(self, tasks: list[Task]) -> None:
        for task in tasks:
            if task.is_prepared:
                self._under_way.pop(task.job, None)
                self.workflow.persistence.cleanup(task.job)
        self.workflow.scheduler.running.difference_update(task.job for task in tasks)

    def fail(self, error: Exception) -> None:
        while self.workflow.scheduler is None:
            time.sleep(0.01)  # a worker can fail to start before Snakemake is ready to hear of it
        self.workflow.scheduler.executor_error_callback(error)
