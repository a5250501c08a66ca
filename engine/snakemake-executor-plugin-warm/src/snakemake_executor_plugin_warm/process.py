"""A worker process as the executor sees it."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from snakemake.shell import STDOUT

import snakemake_warm_worker
from snakemake_executor_plugin_warm.tasks import Task
from snakemake_warm_worker import protocol
from snakemake_warm_worker.protocol import ExecutorChannel, Outcome, Script, Setup

_START = (
    "import sys; sys.path[0] = sys.argv.pop(); from snakemake_warm_worker.main import main; "
    "sys.path.pop(0); sys.exit(main())"
)
_SOURCE_DIRECTORY = str(Path(snakemake_warm_worker.__file__).parents[1])
# Snakemake sets these for each script; set before the start, as libraries read them only once.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
# Snakemake does not know these; what the user has set stays.
_FURTHER_THREAD_VARIABLES = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS")


class Surroundings(NamedTuple):
    """What a process inherits from the one that starts it."""

    directory: str
    environment: dict[str, str]

    @classmethod
    def now(cls) -> Surroundings:
        while True:
            try:
                return cls(os.getcwd(), dict(os.environ))
            except RuntimeError:
                pass  # another thread was just setting a variable


class WorkerProcess:
    """A worker, the jobs it has been given and what it has said about them.

    It runs one job and may have a further one ahead, which can be taken back until it begins.
    """

    def __init__(self, threads: int, setup: Setup, surroundings: Surroundings) -> None:
        self.threads = threads
        self.surroundings = surroundings
        self.is_ready = False
        self.takes_jobs = True
        # Whether the running job is a run of a part, which SIGTERM stops in good order.
        self.runs_part = False
        self.running_id: int | None = None
        self.ending: Outcome | None = None
        self.left = ""
        self.held_mb = 0
        self.jobs: dict[int, Task] = {}
        self._jobs_sent = 0
        self._known_scripts: set[int] = set()
        self._known_configs: set[int] = set()
        ours, theirs = socket.socketpair()
        self._tickets, self._ticket_writer = os.pipe()
        os.set_blocking(self._tickets, False)
        passed = (theirs.fileno(), self._tickets)
        with theirs, _interrupts_blocked():
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-c", _START),
                    *map(str, passed),
                    str(os.getpid()),
                    _SOURCE_DIRECTORY,
                ],
                stdout=STDOUT,
                pass_fds=passed,
                cwd=surroundings.directory,
                env=_environment(surroundings.environment, threads),
                # A terminal's Ctrl-C is for the main process, which passes it on.
                start_new_session=True,
            )
        self.channel = ExecutorChannel(ours)
        self._write(setup)

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def has_room(self) -> bool:
        """Whether a job can wait here although the worker is busy."""
        return self.takes_jobs and self.running_id is not None and len(self.jobs) == 1

    def send(
        self,
        task: Task,
        config_id: int,
        repeats: int | None,
        scripts: Sequence[Script],
        configs: Sequence[bytes],
    ) -> None:
        """Give the worker a job, with what it does not know yet."""
        messages: list[tuple[Any, ...]] = []
        script_id = task.script_id
        assert script_id is not None, "a job of the stock code path"
        if script_id not in self._known_scripts:
            self._known_scripts.add(script_id)
            messages.append((protocol.SCRIPT, script_id, scripts[script_id]))
        if config_id not in self._known_configs:
            self._known_configs.add(config_id)
            messages.append((protocol.CONFIG, config_id, configs[config_id]))
        number = self._jobs_sent
        self._jobs_sent += 1
        messages.append((protocol.JOB, task.id, number, script_id, config_id, task.data, repeats))
        self.jobs[task.id] = task
        os.write(self._ticket_writer, protocol.ticket(number))
        self._write(messages)

    def take_back(self) -> Task | None:
        """The job that waits here, if it has not begun: it is not going to."""
        waiting = [task_id for task_id in self.jobs if task_id != self.running_id]
        if not waiting or self.channel.is_closed:
            return None
        with suppress(BlockingIOError):
            os.read(self._tickets, 1)
            return self.jobs.pop(waiting[-1])
        return None

    def receive(self) -> list[tuple[Any, ...]]:
        """The messages that are there."""
        return [message for frame in self.channel.receive() for message in pickle.loads(frame)]

    def flush(self) -> None:
        """Send what could not be sent at once."""
        with self._noting_its_death():
            self.channel.flush()

    def close(self) -> None:
        """Let the worker end once it is idle."""
        self.takes_jobs = False
        if not self.channel.is_closed:
            self.channel.close()

    def forget(self) -> None:
        """After its end: give back what the operating system lent for it."""
        self.close()
        for descriptor in (self._tickets, self._ticket_writer):
            os.close(descriptor)

    def poll(self) -> int | None:
        """Exit status, negative for a signal; None as long as the process lives."""
        return self._process.poll()

    def stop_part(self) -> None:
        """Have a run of a part end after the job that it is at."""
        if self.runs_part:
            self.runs_part = False
            self._process.terminate()

    def interrupt(self) -> None:
        """Give a running script, and what it has started, the chance to clean up."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """End the process, and what its script has started, at once."""
        try:
            children = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            children = []
        self._process.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.wait()

    def _write(self, messages: Any) -> None:
        with self._noting_its_death():
            self.channel.send(pickle.dumps(messages))

    @contextmanager
    def _noting_its_death(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self.takes_jobs = False  # it has died: its exit status will tell


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """A process that starts now does not notice an interrupt until it unblocks the signal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _environment(inherited: dict[str, str], threads: int) -> dict[str, str]:
    environment = dict(inherited)
    for name in _THREAD_VARIABLES:
        environment[name] = str(threads)
    for name in _FURTHER_THREAD_VARIABLES:
        environment.setdefault(name, str(threads))
    return environment
