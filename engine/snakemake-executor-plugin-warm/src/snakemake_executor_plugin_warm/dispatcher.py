"""The thread that keeps the cores busy: starts jobs as cores get free, hears how they end."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Literal, Protocol

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from snakemake_executor_plugin_warm.process import WorkerProcess
from snakemake_executor_plugin_warm.retirements import Retirements
from snakemake_executor_plugin_warm.routing import Router
from snakemake_executor_plugin_warm.settings import ExecutorSettings
from snakemake_executor_plugin_warm.tasks import Task, WaitingTasks
from snakemake_executor_plugin_warm.workers import Finished, Workers
from snakemake_warm_worker.protocol import Setup

# As long as there is work at hand, reports of finished jobs are collected for this long: after
# each, Snakemake looks at all unfinished jobs of the workflow. The longer that takes, the rarer.
_REPORT_SECONDS = 0.05
_REPORT_SECONDS_PER_JOB = 1e-5
# A signal that ended a worker may have been meant for the whole run: the main process, which says
# whether to go on, hears of it at about the same time.
_SIGNAL_SECONDS = 0.2
# While jobs are ahead that may be taken back, look this often whether the run is to end.
_LOOK_SECONDS = 0.2
_STOCK: Literal["stock"] = "stock"

# Where a task can run: in a worker or by the stock code path.
Place = WorkerProcess | Literal["stock"]


class Host(Protocol):
    """What the dispatcher asks of the executor; called in the dispatcher's thread."""

    def wants_to_stop(self) -> bool: ...
    def ends_run(self, failed: Task) -> bool: ...
    def announce(self, task: Task) -> None: ...
    def prepare(self, task: Task) -> None: ...
    def start_stock_job(self, task: Task) -> None: ...
    def finish(self, finished: list[Finished]) -> None: ...
    def withdraw(self, tasks: list[Task]) -> None: ...
    def fail(self, error: Exception) -> None: ...


class Dispatcher:
    """Queue, worker processes and the thread between them.

    Never more than ``cores`` cores are in use, whatever the number of jobs that wait.
    """

    def __init__(
        self,
        host: Host,
        router: Router,
        make_setup: Callable[[], Setup],
        cores: int,
        settings: ExecutorSettings,
        jobs_in_all: int,
    ) -> None:
        self._host = host
        self._router = router
        self._make_setup = make_setup
        self._cores = cores
        self._grace_seconds = settings.grace_seconds
        self._max_idle_mb = settings.idle_mb()
        # Rules whose jobs have cost workers.
        self.retirements = Retirements()
        self._waiting = WaitingTasks(cores)
        self._lock = threading.Lock()  # guards _waiting
        self._task_ids = itertools.count()
        self._batches = itertools.count()
        self._stock_cores = 0
        self._ended_stock_tasks: deque[Task] = deque()
        self._stock_tasks: dict[object, Task] = {}
        self._unreported: list[Finished] = []
        self._report_seconds = _REPORT_SECONDS + _REPORT_SECONDS_PER_JOB * jobs_in_all
        self._report_due_at = 0.0
        # Whether a job has failed after which no other begins, save those that workers have ahead.
        self._has_failed = False
        self._closing = threading.Event()
        self._cancelled = threading.Event()
        self._wake_up_reader, self._wake_up_writer = os.pipe()
        os.set_blocking(self._wake_up_writer, False)
        self._workers: Workers | None = None
        self._thread: threading.Thread | None = None
        self._expected_jobs = 0

    # Called from other threads

    def expect(self, jobs: int) -> None:
        """Start the workers that this many jobs of one thread will need."""
        self._expected_jobs = jobs
        if jobs:
            self._start_thread()

    def submit(self, jobs: Iterable[Any]) -> None:
        """Take jobs in; those taken in last go first, so that what was begun gets finished."""
        batch = next(self._batches)
        with self._lock:
            for index, job in enumerate(jobs):
                self._waiting.add(
                    Task(
                        id=next(self._task_ids),
                        info=SubmittedJobInfo(job),
                        threads=max(0, job.threads),
                        script_id=self._router.script_id(job),
                        rank=(-job.priority, -batch, index),
                    )
                )
        self._start_thread()
        self._wake_up()

    def withdraw(self) -> None:
        """Give all jobs back that wait here, untouched."""
        with self._lock:
            tasks = self._waiting.remove_all()
        if tasks:
            self._host.withdraw(tasks)

    def stock_job_ended(self, job: Any) -> None:
        task = self._stock_tasks.pop(job, None)
        if task is not None:
            self._ended_stock_tasks.append(task)
            self._wake_up()

    def close(self) -> None:
        """Wait for the jobs under way, then end the workers."""
        self._closing.set()
        self._end()

    def cancel(self) -> None:
        """End the workers at once; a second interrupt ends the patience with their scripts."""
        self._cancelled.set()
        try:
            self._end()
        except KeyboardInterrupt:
            if self._workers is not None:
                self._workers.kill()
            self._end()

    def _end(self) -> None:
        if self._thread is not None:
            self._wake_up()
            self._thread.join()
            self._thread = None

    def _start_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="warm", daemon=True)
            self._thread.start()

    def _wake_up(self) -> None:
        try:
            os.write(self._wake_up_writer, b"\0")
        except BlockingIOError:
            pass  # the thread has been woken more often than it could look

    # The thread

    def _run(self) -> None:
        try:
            self._workers = Workers(self._make_setup(), self._wake_up_reader, self._max_idle_mb)
            for _ in range(min(self._expected_jobs, self._cores)):
                self._workers.start(threads=1)
            self._loop()
        except Exception as error:
            self.withdraw()
            self._host.fail(error)
            if self._workers is not None:
                self._workers.cancel(self._grace_seconds)

    @property
    def _started(self) -> Workers:
        """The workers, in the thread that has made them."""
        assert self._workers is not None
        return self._workers

    def _loop(self) -> None:
        workers = self._started
        while not self._cancelled.is_set():
            while self._ended_stock_tasks:
                self._stock_cores -= self._ended_stock_tasks.popleft().threads
            if self._host.wants_to_stop():
                workers.stop_parts()
                self._take_in(workers.take_back())
                self.withdraw()
            elif self._closing.is_set() or self._has_failed:
                self.withdraw()
            self._start_jobs()
            self._report()
            if self._closing.is_set() and not (workers.are_busy or self._unreported):
                workers.close()
                return
            finished, returned = workers.wait(self._timeout())
            if workers.were_told_to_end:
                self._cancelled.wait(_SIGNAL_SECONDS)
            self._take_in(returned)
            for task, outcome, left in finished:
                self._note_retirement(task, left)
                if outcome.error is not None and self._host.ends_run(task):
                    self._has_failed = True
            if finished and not self._unreported:
                self._report_due_at = time.monotonic() + self._report_seconds
            self._unreported.extend(finished)
        workers.cancel(self._grace_seconds)

    def _take_in(self, tasks: list[Task]) -> None:
        with self._lock:
            for task in tasks:
                self._waiting.add(task)

    def _start_jobs(self) -> None:
        workers = self._started
        if self._waiting:
            workers.look_around()
        while not self._cancelled.is_set():
            with self._lock:
                taken: tuple[Task, Place] | None = self._waiting.take(self._place_for)
            if taken is not None:
                self._start(*taken)
                continue
            free = self._cores - workers.busy_cores - self._stock_cores
            if self._waiting or (task := workers.take_back_for_idle(free)) is None:
                return
            self._take_in([task])

    def _place_for(self, task: Task) -> Place | None:
        """Where the task can run now: a worker, the stock code path, or nowhere yet."""
        threads = task.threads
        workers = self._started
        is_free = workers.busy_cores + self._stock_cores + threads <= self._cores
        if not task.is_warm:
            return _STOCK if is_free else None
        if is_free:
            return workers.idle(threads) or workers.start(threads)
        return workers.with_room(threads)

    def _start(self, task: Task, place: Place) -> None:
        job = task.job
        if not task.is_prepared:
            self._host.announce(task)
            if isinstance(place, WorkerProcess):
                try:
                    task.data = self._router.pickled(job)
                except Exception:
                    place = _STOCK  # reports the error as it always did
        if not isinstance(place, WorkerProcess):
            self._stock_cores += task.threads
            self._stock_tasks[job] = task
            self._host.start_stock_job(task)
            return
        if not task.is_prepared:
            self._host.prepare(task)
            task.is_prepared = True
        self._started.used(place)
        place.send(
            task,
            self._router.config_id(job),
            (job.benchmark_repeats or 1) if job.benchmark is not None else None,
            self._router.scripts,
            self._router.configs,
        )

    def _note_retirement(self, task: Task, left: str) -> None:
        if self.retirements.note(task.job.rule.name, left):
            # From now on as under the local executor, what waits as well.
            self._router.exclude(task.job.rule.name)
            with self._lock:
                tasks = self._waiting.remove_all()
            for waiting in tasks:
                if waiting.job.rule is task.job.rule and not waiting.is_prepared:
                    waiting.script_id = None
            self._take_in(tasks)

    def _report(self) -> None:
        if self._unreported and (not self._waiting or time.monotonic() >= self._report_due_at):
            finished, self._unreported = self._unreported, []
            self._host.finish(finished)

    def _timeout(self) -> float | None:
        look = _LOOK_SECONDS if self._started.have_jobs_ahead else None
        if not self._unreported:
            return look
        due = max(0.0, self._report_due_at - time.monotonic())
        return due if look is None else min(due, look)
