"""The worker processes: who is free, who says what, who has died."""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from snakemake_interface_common.exceptions import WorkflowError

from snakemake_executor_plugin_warm.process import Surroundings, WorkerProcess
from snakemake_executor_plugin_warm.tasks import Task
from snakemake_parts import progress
from snakemake_warm_worker import protocol
from snakemake_warm_worker.protocol import Outcome, Setup

# Without a file descriptor that tells of a process's end, look this often.
_POLL_SECONDS = 0.2
_SECONDS_TO_EXIT = 5.0
_MAX_FAILED_STARTS = 10
# Somebody else's kill says less about the next start.
_MAX_KILLED_STARTS = 30
_SIGNALS_TO_END = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Finished(NamedTuple):
    """A job that is over, and why it costs its worker, if it does."""

    task: Task
    outcome: Outcome
    left: str = ""


class Workers:
    """All worker processes of a run; to be used by one thread only.

    Workers have a fixed number of threads, as native libraries read it once. They are started
    when there is work for them. A worker idles until the run ends, as long as those that idle
    hold no more than `max_idle_mb` megabytes together: then the one that idles longest ends.
    """

    def __init__(self, setup: Setup, wake_up_fd: int, max_idle_mb: float) -> None:
        self._setup = setup
        # The one used last comes last.
        self._all: list[WorkerProcess] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(wake_up_fd, selectors.EVENT_READ, None)
        self._wake_up_fd = wake_up_fd
        self._max_idle_mb = max_idle_mb
        self._failed_starts = 0
        # Whether the latest news are of a worker that SIGTERM, SIGINT or SIGHUP has ended.
        self.were_told_to_end = False
        self._process_fds: dict[WorkerProcess, int] = {}

    @property
    def busy_cores(self) -> int:
        return sum(worker.threads for worker in self._all if worker.jobs)

    @property
    def are_busy(self) -> bool:
        return any(worker.jobs for worker in self._all)

    @property
    def have_jobs_ahead(self) -> bool:
        return any(len(worker.jobs) > 1 for worker in self._all)

    def look_around(self) -> None:
        """Let those end that were started in other surroundings than a process would be now."""
        now = Surroundings.now()
        for worker in list(self._all):
            if worker.takes_jobs and worker.surroundings != now:
                worker.takes_jobs = False
                if not worker.jobs:
                    self._disconnect(worker)

    def idle(self, threads: int) -> WorkerProcess | None:
        """A worker without work; the one used last comes first, its memory is warm."""
        for worker in reversed(self._all):
            if worker.threads == threads and worker.takes_jobs and not worker.jobs:
                return worker
        return None

    def with_room(self, threads: int) -> WorkerProcess | None:
        """A busy worker that has no job ahead yet, if there is one."""
        for worker in self._all:
            if worker.threads == threads and worker.has_room:
                return worker
        return None

    def used(self, worker: WorkerProcess) -> None:
        """Note that a worker has been given a job."""
        self._all.remove(worker)
        self._all.append(worker)

    def start(self, threads: int) -> WorkerProcess:
        """A new worker."""
        worker = WorkerProcess(threads, self._setup, Surroundings.now())
        self._all.append(worker)
        self._selector.register(worker.channel, selectors.EVENT_READ, worker)
        if hasattr(os, "pidfd_open"):
            fd = os.pidfd_open(worker.process_id)
            self._process_fds[worker] = fd
            self._selector.register(fd, selectors.EVENT_READ, worker)
        return worker

    def take_back(self) -> list[Task]:
        """All jobs that have not begun: none of them will."""
        return [task for worker in self._all if (task := worker.take_back()) is not None]

    def take_back_for_idle(self, free_cores: int) -> Task | None:
        """A job that waits behind another, although a worker idles that can begin it at once."""
        idle = {
            worker.threads
            for worker in self._all
            if worker.is_ready and worker.takes_jobs and not worker.jobs
        }
        for worker in self._all:
            # One that has just been sent to an idle worker waits behind none: to take it back would
            # be to send it again, and again, until the worker has found the time to begin it.
            is_behind = len(worker.jobs) > 1
            if is_behind and worker.threads in idle and worker.threads <= free_cores:
                if (task := worker.take_back()) is not None:
                    return task
        return None

    def wait(self, timeout: float | None) -> tuple[list[Finished], list[Task]]:
        """Wait for news: jobs that are over, and jobs that have to go to another worker."""
        self._bound_idle_memory()
        self.were_told_to_end = False
        if len(self._process_fds) < len(self._all):
            timeout = min(timeout or _POLL_SECONDS, _POLL_SECONDS)
        finished: list[Finished] = []
        returned: list[Task] = []
        self._watch_for_room()
        affected = dict.fromkeys(key.data for key, _ in self._selector.select(timeout))
        if None in affected:
            os.read(self._wake_up_fd, 65536)
        candidates = affected if len(self._process_fds) == len(self._all) else list(self._all)
        for worker in candidates:
            if worker is not None:
                self._listen(worker, finished, returned)
        return finished, returned

    def close(self) -> None:
        """Let all workers end; whoever does not is killed."""
        for worker in self._all:
            self._disconnect(worker)
        self._end_all(_SECONDS_TO_EXIT)

    def cancel(self, grace_seconds: float) -> None:
        """End all workers although they are at work; their scripts have time to clean up."""
        self.take_back()
        for worker in self._all:
            if not worker.is_ready:
                worker.kill()
            elif worker.jobs and worker.poll() is None:
                worker.interrupt()
            self._disconnect(worker)
        self._end_all(grace_seconds)

    def stop_parts(self) -> None:
        """Have the jobs that are runs of parts end early, in good order."""
        for worker in self._all:
            worker.stop_part()

    def kill(self) -> None:
        for worker in self._all:
            worker.kill()

    def _end_all(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while any(worker.poll() is None for worker in self._all) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.kill()
        for fd in self._process_fds.values():
            os.close(fd)
        self._process_fds.clear()
        for worker in self._all:
            worker.forget()
        self._all.clear()

    def _bound_idle_memory(self) -> None:
        idle = [worker for worker in self._all if worker.takes_jobs and not worker.jobs]
        held_mb = sum(worker.held_mb for worker in idle)
        for worker in idle:
            if held_mb <= self._max_idle_mb:
                return
            held_mb -= worker.held_mb
            self._disconnect(worker)

    def _watch_for_room(self) -> None:
        """Have the selector tell when a worker can take more of what is to be sent to it."""
        for worker in self._all:
            if not worker.channel.is_closed:
                events = selectors.EVENT_READ
                if worker.channel.has_unsent:
                    events |= selectors.EVENT_WRITE
                if self._selector.get_key(worker.channel).events != events:
                    self._selector.modify(worker.channel, events, worker)

    def _listen(
        self, worker: WorkerProcess, finished: list[Finished], returned: list[Task]
    ) -> None:
        status = worker.poll()
        if not worker.channel.is_closed:
            worker.flush()
            finished.extend(self._understand(worker, worker.receive()))
            if worker.channel.has_ended or not (worker.takes_jobs or worker.jobs):
                self._disconnect(worker)
        if status is None and worker.channel.is_closed and worker not in self._process_fds:
            status = worker.poll()
        if status is not None:
            self._bury(worker, status, finished, returned)

    def _understand(
        self, worker: WorkerProcess, messages: list[tuple[Any, ...]]
    ) -> Iterator[Finished]:
        for kind, *data in messages:
            if kind == protocol.READY:
                worker.is_ready = True
                worker.held_mb = data[0]
                self._failed_starts = 0
            elif kind == protocol.UNUSABLE:
                raise WorkflowError(f"a warm worker cannot start (see --warm-preload): {data[0]}")
            elif kind == protocol.BEGUN:
                worker.running_id = data[0]
            elif kind == protocol.NEWS:
                worker.runs_part = True
                progress.publish(data[1])
            elif kind == protocol.DONE:
                worker.running_id = None
                worker.runs_part = False
                task_id, outcome, worker.held_mb, left = data
                yield Finished(worker.jobs.pop(task_id), outcome, left)
            elif kind == protocol.ENDING:
                _, worker.ending, worker.left = data
                worker.takes_jobs = False

    def _disconnect(self, worker: WorkerProcess) -> None:
        if not worker.channel.is_closed:
            self._selector.unregister(worker.channel)
        worker.close()

    def _bury(
        self,
        worker: WorkerProcess,
        status: int,
        finished: list[Finished],
        returned: list[Task],
    ) -> None:
        self._disconnect(worker)
        self._all.remove(worker)
        worker.forget()
        self.were_told_to_end |= -status in _SIGNALS_TO_END
        fd = self._process_fds.pop(worker, None)
        if fd is not None:
            self._selector.unregister(fd)
            os.close(fd)
        if worker.running_id is not None:
            task = worker.jobs.pop(worker.running_id)
            finished.append(Finished(task, _outcome_of_end(worker, status), worker.left))
        returned.extend(worker.jobs.values())
        worker.jobs.clear()
        if not worker.is_ready:
            self._failed_starts += 1
            was_killed = status == -signal.SIGKILL
            if self._failed_starts >= (_MAX_KILLED_STARTS if was_killed else _MAX_FAILED_STARTS):
                raise WorkflowError(
                    f"{self._failed_starts} warm workers in a row have ended while they started "
                    f"({_describe(status)}); see the messages above, or use --executor local"
                )


def _outcome_of_end(worker: WorkerProcess, status: int) -> Outcome:
    """How the running job ended whose process has ended: like any process, by exit status."""
    ending = worker.ending or Outcome()
    if ending.error is not None or status == 0:
        return ending
    return ending._replace(error=_describe(status))


def _describe(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
