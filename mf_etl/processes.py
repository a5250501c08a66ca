"""Work on many small things in processes of their own, results in order.

Plain processes and pipes. A pool of `multiprocessing` would leave a helper process behind and run the
main module again, and its processes would outlive a job that is killed.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

PIECES_AHEAD = 2
"""Pieces of each process that are under way at most; so memory does not grow with their number."""

_START = "import sys; sys.path[:] = sys.argv[1:]; from mf_etl.processes import serve; serve()"

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], processes: int, *, at_a_time: int
) -> Iterator[Result]:
    """`function` of each item in up to `processes` processes, results in the order of `items`.

    They are handed over in pieces of `at_a_time`; a single piece, or one process, is worked on in this
    process. `function`, items and results are pickled. An error is raised where its result would have
    come. The processes end with this one, whatever ends it.
    """
    starts = range(0, len(items), at_a_time)
    count = min(processes, len(starts))
    if count <= 1:
        yield from map(function, items)
        return
    with contextlib.ExitStack() as stack:
        # An interrupt is for this process alone to notice, when it can end all the others.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            workers = [stack.enter_context(_Worker()) for _ in range(count)]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        # Once all have started: each takes it off the pipe when it has loaded its modules.
        for worker in workers:
            worker.send(function)
        waiting: collections.deque[_Worker] = collections.deque()
        for start, worker in zip(starts, itertools.cycle(workers)):
            worker.send(items[start : start + at_a_time])
            waiting.append(worker)
            if len(waiting) == PIECES_AHEAD * count:
                yield from waiting.popleft().results()
        while waiting:
            yield from waiting.popleft().results()


class _Worker:
    """A process that works on pieces in the order in which they are sent."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Such a process is one of many: a library's own threads would be in the others' way.
            env=os.environ | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        self._results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # Results are taken off the pipe at once, so that the process can go on with the next piece.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> _Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()

    def send(self, value: Any) -> None:
        """Hand something over; a process that has ended is told of by `results`."""
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pickle.dump(value, pipe, protocol=pickle.HIGHEST_PROTOCOL)
            pipe.flush()

    def results(self) -> Iterator[Any]:
        """Of the piece that was sent first and not asked for yet; raises what its work has raised."""
        found = self._results.get()
        if found is None:
            raise OSError(
                f"a process ended with code {self._process.wait()} in the middle of its work"
            )
        done, error = pickle.loads(found)
        yield from done
        if error is not None:
            raise error

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        while size := pipe.read(8):
            found = pipe.read(int.from_bytes(size, "little"))
            if len(found) < int.from_bytes(size, "little"):
                break
            self._results.put(found)
        self._results.put(None)


def serve() -> None:
    """The other end: works on what comes from standard input until it ends."""
    commands, output = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    function = _next(commands)
    for piece in iter(partial(_next, commands), None):
        done: list[Any] = []
        error: Exception | None = None
        try:
            done.extend(map(function, piece))
        except Exception as found:
            error = found
        told = pickle.dumps((done, error), protocol=pickle.HIGHEST_PROTOCOL)
        output.write(len(told).to_bytes(8, "little"))
        output.write(told)
        output.flush()


def _next(commands: Any) -> Any:
    try:
        return pickle.load(commands)
    except EOFError:
        return None
