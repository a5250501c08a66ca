"""A worker process as the executor sees it."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
from snakemake.shell import STDOUT

import snakemake_warm_worker
from snakemake_executor_plugin_warm.tasks import Task
from snakemake_warm_worker import protocol
from snakemake_warm_worker.protocol import Outcome, Script, Setup

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
_MAX_QUEUED_JOBS = 16
# A larger message could fill the socket of a busy worker and make the executor wait for it.
_MAX_QUEUED_BYTES = 16_384


class WorkerProcess:
    """A worker, the jobs it has been given and what it has said about them."""

    def __init__(self, threads: int, setup: Setup) -> None:
        self.threads = threads
        self.is_ready = False
        self.takes_jobs = True
        # Whether the running job is a run of a part, which SIGTERM stops in good order.
        self.runs_part = False
        self.running_id: int | None = None
        self.ending: Outcome | None = None
        self.jobs: dict[int, tuple[Task, float]] = {}
        self._known_scripts: set[int] = set()
        self._known_configs: set[int] = set()
        ours, theirs = socket.socketpair()
        with theirs, _interrupts_blocked():
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    _START,
                    str(theirs.fileno()),
                    str(os.getpid()),
                    _SOURCE_DIRECTORY,
                ],
                stdout=STDOUT,
                pass_fds=[theirs.fileno()],
                env=_environment(threads),
            )
        self.connection = Connection(ours.detach())
        self._write([setup], single=True)

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def seconds_ahead(self) -> float:
        """How long the jobs that the worker has will take, as far as that is known."""
        return sum(seconds for _, seconds in self.jobs.values())

    def has_room(self, data: bytes, seconds: float, limit: float) -> bool:
        """Whether another job can wait here although the worker is busy."""
        return (
            self.takes_jobs
            and len(self.jobs) < _MAX_QUEUED_JOBS
            and len(data) <= _MAX_QUEUED_BYTES
            and self.seconds_ahead + seconds <= limit
        )

    def send(
        self,
        task: Task,
        seconds: float,
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
        messages.append((protocol.JOB, task.id, script_id, config_id, task.data, repeats))
        self.jobs[task.id] = (task, seconds)
        self._write(messages)

    def receive(self) -> list[tuple[Any, ...]] | None:
        """The next messages; None when the worker has closed its end."""
        try:
            messages: list[tuple[Any, ...]] = pickle.loads(self.connection.recv_bytes())
            return messages
        except (EOFError, OSError):
            return None

    def close(self) -> None:
        """Let the worker end once it is idle."""
        self.takes_jobs = False
        self.connection.close()

    def poll(self) -> int | None:
        """Exit status, negative for a signal; None as long as the process lives."""
        return self._process.poll()

    def stop_part(self) -> None:
        """Have a run of a part end after the job that it is at."""
        if self.runs_part:
            self.runs_part = False
            self._process.terminate()

    def interrupt(self) -> None:
        """Give a running script the chance to clean up."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End the process, and what its script has started, at once."""
        try:
            children = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            children = []
        self._process.kill()
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                pass
        self._process.wait()

    def _write(self, messages: list[Any], single: bool = False) -> None:
        try:
            self.connection.send_bytes(pickle.dumps(messages[0] if single else messages))
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


def _environment(threads: int) -> dict[str, str]:
    environment = dict(os.environ)
    for name in _THREAD_VARIABLES:
        environment[name] = str(threads)
    for name in _FURTHER_THREAD_VARIABLES:
        environment.setdefault(name, str(threads))
    return environment
