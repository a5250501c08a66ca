"""A worker's life: take a job, run it, put everything back, say how it went."""

from __future__ import annotations

import contextvars
import gc
import os
import pickle
import resource
import select
import signal
import sys
from collections import deque
from functools import partial
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

import psutil

from snakemake_parts import progress
from snakemake_parts.progress import News
from snakemake_warm_worker import protocol
from snakemake_warm_worker.isolation import Isolation
from snakemake_warm_worker.leftovers import Leftovers
from snakemake_warm_worker.protocol import Outcome, Script, Setup
from snakemake_warm_worker.script import run_job

_MB = 1024 * 1024
# The peak of resident memory is counted in bytes there, elsewhere in kilobytes.
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


class Worker:
    """Runs the jobs that come over a connection, until it closes or the worker is used up.

    Scripts find modules in ``search_paths``, their own directories, then ``last_paths``.
    """

    def __init__(
        self,
        connection: Connection,
        setup: Setup,
        search_paths: list[str],
        last_paths: list[str],
    ) -> None:
        self._connection = connection
        # Lives on, where `Connection.poll` makes a selector anew for each look.
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        self._setup = setup
        self._paths = (search_paths, last_paths)
        self._process_id = os.getpid()
        self._process = psutil.Process()
        self._inbox: deque[tuple[Any, ...]] = deque()
        self._outbox: list[tuple[Any, ...]] = [(protocol.READY,)]
        self._scripts: dict[int, Script] = {}
        self._configs: dict[int, bytes] = {}
        self._jobs_done = 0
        self._leftovers = Leftovers()
        self._isolation = Isolation()

    def run(self) -> int:
        """The loop; returns the exit status of the process."""
        while (message := self._next_job()) is not None:
            task_id, script_id, config_id, job, repeats = message
            script = self._scripts[script_id]
            self._outbox.append((protocol.BEGUN, task_id))
            self._send()
            modules: list[ModuleType] = []
            progress.tell_to(partial(self._tell, task_id))
            outcome = self._run(script, self._configs[config_id], job, repeats, modules)
            progress.tell_to(None)
            if os.getpid() != self._process_id:
                # A child that the script forked came to the end of the script: it just ends.
                sys.stderr.write(outcome.traceback)
                return 0 if outcome.error is None else 1
            if self._leftovers.exist():
                self._outbox.append((protocol.ENDING, task_id, outcome))
                self._send()
                return 0 if outcome.error is None else 1
            for module in modules:
                vars(module).clear()
            self._isolation.restore(script.directory)
            gc.collect()  # closes the files that a reference cycle holds
            self._outbox.append((protocol.DONE, task_id, outcome))
            if self._is_used_up():
                self._send()
                return 0
        return 0

    def _run(
        self,
        script: Script,
        config: bytes,
        job: bytes,
        repeats: int | None,
        modules: list[ModuleType],
    ) -> Outcome:
        self._isolation.prepare()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            # In a context of its own, as decimal and numpy keep their settings there.
            return contextvars.copy_context().run(
                run_job, script, config, job, repeats, self._paths, modules
            )
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
            raise

    def _tell(self, task_id: int, news: News) -> None:
        """Say what a job has done that is a run of a part; afterwards SIGTERM only stops it."""
        self._outbox.append((protocol.NEWS, task_id, news))
        self._send()

    def _is_used_up(self) -> bool:
        self._jobs_done += 1
        return (
            0 < self._setup.max_jobs <= self._jobs_done
            or self._holds_too_much()
            or self._isolation.is_broken()
        )

    def _holds_too_much(self) -> bool:
        limit = self._setup.max_rss_mb * _MB
        # As long as the peak is below the limit, which is cheap to know, so is what is held now.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
        return 0 < limit < peak and limit < self._process.memory_info().rss

    def _next_job(self) -> tuple[Any, ...] | None:
        """The next job's data; None when the executor has closed the connection."""
        while True:
            while self._inbox:
                kind, *data = self._inbox.popleft()
                if kind == protocol.JOB:
                    return tuple(data)
                known = self._scripts if kind == protocol.SCRIPT else self._configs
                known[data[0]] = data[1]
            # A result waits for the next job, if that has arrived, to share its message.
            if self._outbox and not self._has_message():
                self._send()
            try:
                self._inbox.extend(pickle.loads(self._connection.recv_bytes()))
            except (EOFError, OSError):
                return None

    def _has_message(self) -> bool:
        return any(event & select.POLLIN for _, event in self._poll.poll(0))

    def _send(self) -> None:
        messages, self._outbox = self._outbox, []
        try:
            self._connection.send_bytes(pickle.dumps(messages))
        except OSError:
            # Nobody listens any more; a script may also have closed the connection.
            ends = (m[2] for m in messages if len(m) == 3 and isinstance(m[2], Outcome))
            outcome = next(ends, Outcome(0.0))
            sys.exit(0 if outcome.error is None else 1)
