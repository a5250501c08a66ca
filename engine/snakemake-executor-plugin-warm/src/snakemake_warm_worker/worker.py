"""A worker's life: take a job, run it, put everything back, say how it went."""

from __future__ import annotations

import contextvars
import os
import pickle
import select
import signal
import sys
import weakref
from collections import deque
from functools import partial
from typing import Any

import psutil

from snakemake_parts import progress
from snakemake_parts.progress import News
from snakemake_warm_worker import protocol
from snakemake_warm_worker.isolation import Isolation
from snakemake_warm_worker.protocol import Outcome, Script, Setup, WorkerChannel
from snakemake_warm_worker.script import may_replace, run_job

_MB = 1024 * 1024


class Worker:
    """Runs the jobs that come over a connection, until it closes or the worker is used up.

    Scripts find modules in ``search_paths``, their own directories, then ``last_paths``.
    """

    def __init__(
        self,
        channel: WorkerChannel,
        tickets: int,
        setup: Setup,
        search_paths: list[str],
        last_paths: list[str],
    ) -> None:
        self._channel = channel
        self._poll = select.poll()
        self._poll.register(channel.fileno(), select.POLLIN)
        # Taken from the pipe of tickets, for a job that has not arrived yet.
        self._tickets, self._ticket = tickets, b""
        self._setup = setup
        self._paths = (search_paths, last_paths)
        self._process_id = os.getpid()
        self._process = psutil.Process()
        self._inbox: deque[tuple[Any, ...]] = deque()
        self._outbox: list[tuple[Any, ...]] = [(protocol.READY, self._held_mb())]
        self._scripts: dict[int, Script] = {}
        self._configs: dict[int, bytes] = {}
        self._jobs_done = 0
        self.is_as_it_was = False
        """All jobs are done, and none has left anything in the process."""
        self._isolation = Isolation()

    def run(self) -> int:
        """The loop; returns the exit status of the process."""
        while (message := self._next_job()) is not None:
            task_id, script_id, config_id, job, repeats = message
            script = self._scripts[script_id]
            self._outbox.append((protocol.BEGUN, task_id))
            self._send()
            names: list[weakref.ref[Any]] = []
            progress.tell_to(partial(self._tell, task_id))
            outcome = self._run(script, self._configs[config_id], job, repeats, names)
            progress.tell_to(None)
            if os.getpid() != self._process_id:
                # A child that the script forked came to the end of the script: it just ends.
                sys.stderr.write(outcome.traceback)
                return 0 if outcome.error is None else 1
            may = may_replace(script.source)
            if left := self._isolation.restore(script.directory, names, may):
                self._outbox.append((protocol.ENDING, task_id, outcome, left))
                self._send()
                return 0 if outcome.error is None else 1
            self._jobs_done += 1
            held_mb = self._held_mb()
            limit_mb = self._setup.max_rss_mb
            is_too_large = 0 < limit_mb < held_mb
            why = f"more than {limit_mb} megabytes of memory" if is_too_large else ""
            self._outbox.append((protocol.DONE, task_id, outcome, held_mb, why))
            if is_too_large or 0 < self._setup.max_jobs <= self._jobs_done:
                self._send()
                break
        self.is_as_it_was = True
        return 0

    def _run(
        self,
        script: Script,
        config: bytes,
        job: bytes,
        repeats: int | None,
        names: list[weakref.ref[Any]],
    ) -> Outcome:
        self._isolation.prepare([script.directory, script.cache_directory])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            # In a context of its own, as decimal and numpy keep their settings there.
            return contextvars.copy_context().run(
                run_job, script, config, job, repeats, self._paths, names
            )
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
            raise

    def _tell(self, task_id: int, news: News) -> None:
        """Say what a job has done that is a run of a part; afterwards SIGTERM only stops it."""
        self._outbox.append((protocol.NEWS, task_id, news))
        self._send()

    def _held_mb(self) -> int:
        return int(self._process.memory_info().rss) // _MB

    def _next_job(self) -> tuple[Any, ...] | None:
        """The next job's data; None when the executor has closed the connection."""
        while True:
            while self._inbox:
                kind, *data = self._inbox.popleft()
                if kind == protocol.JOB:
                    task_id, number, *job = data
                    if self._has_ticket(number):
                        return (task_id, *job)
                    continue  # the executor has taken it back
                known = self._scripts if kind == protocol.SCRIPT else self._configs
                known[data[0]] = data[1]
            # A result waits for the next job, if that has arrived, to share its message.
            if self._outbox and not self._has_message():
                self._send()
            try:
                self._inbox.extend(pickle.loads(self._channel.receive()))
            except (EOFError, OSError):
                return None

    def _has_ticket(self, number: int) -> bool:
        try:
            self._ticket = self._ticket or os.read(self._tickets, 1)
        except OSError:
            return False  # there is none, or a script has closed the pipe
        if self._ticket != protocol.ticket(number):
            return False
        self._ticket = b""
        return True

    def _has_message(self) -> bool:
        return any(event & select.POLLIN for _, event in self._poll.poll(0))

    def _send(self) -> None:
        messages, self._outbox = self._outbox, []
        try:
            self._channel.send(pickle.dumps(messages))
        except OSError:
            # Nobody listens any more; a script may also have closed the connection.
            ends = (m[2] for m in messages if len(m) > 2 and isinstance(m[2], Outcome))
            outcome = next(ends, Outcome())
            sys.exit(0 if outcome.error is None else 1)
