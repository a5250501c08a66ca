"""What the executor and its workers say to each other, and how.

A frame is a pickled list of plain tuples whose first item is the kind of message; frames travel over a
socket of their own, so that nothing a script prints can get between them. Before a worker begins a job
it takes the job's ticket from a pipe; the executor takes a job back by taking that ticket itself. Only
one of them can have it, so no job runs twice and none is lost.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from typing import NamedTuple

# Executor to worker.
CONFIG = "config"  # (CONFIG, config id, pickled config)
SCRIPT = "script"  # (SCRIPT, script id, Script)
# (JOB, task id, number of its ticket, script id, config id, pickled job, benchmark repeats or None)
JOB = "job"

# Worker to executor.
READY = "ready"  # (READY, megabytes of memory)
UNUSABLE = "unusable"  # (UNUSABLE, message): a module to preload cannot be imported
BEGUN = "begun"  # (BEGUN, task id)
NEWS = "news"  # (NEWS, task id, News): what a job that is a run of a part has done
DONE = "done"  # (DONE, task id, Outcome, megabytes of memory, why the worker ends now or "")
ENDING = "ending"  # (ENDING, task id, Outcome, why): the job is over once the process has ended

_LENGTH = struct.Struct("!Q")
_CHUNK_BYTES = 1 << 16


class Setup(NamedTuple):
    """First frame to a worker.

    ``search_paths`` are the directories a script finds modules in besides Python's own,
    ``preload`` the modules to import at once, ``max_jobs`` (0: any number) and ``max_rss_mb``
    (megabytes of resident memory) say when the worker has to make way for a fresh one.
    """

    search_paths: list[str]
    preload: list[str]
    max_jobs: int
    max_rss_mb: int


class Script(NamedTuple):
    """A script of a rule, as text and with the places that it is known by."""

    rule: str
    source: str
    file: str
    directory: str
    cache_directory: str


class Usage(NamedTuple):
    """What a job used, for its benchmark file: seconds, megabytes."""

    seconds: float
    cpu_seconds: float
    max_rss_mb: float
    max_vms_mb: float
    max_uss_mb: float
    max_pss_mb: float
    read_mb: float
    written_mb: float


class Outcome(NamedTuple):
    """How a job ended.

    ``error`` is one line, None for success; ``traceback`` the whole story, empty if there is
    none to tell. ``usages`` has an item per benchmark repeat.
    """

    error: str | None = None
    traceback: str = ""
    usages: tuple[Usage, ...] = ()


def ticket(number: int) -> bytes:
    """The byte that stands for a job; two jobs of one worker never wait at the same time."""
    return bytes([number % 256])


class WorkerChannel:
    """The worker's end: waits until a frame has been read or written."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, frame: bytes) -> None:
        """Raises OSError if nobody listens any more."""
        self._socket.sendall(_LENGTH.pack(len(frame)) + frame)

    def receive(self) -> bytes:
        """The next frame; raises EOFError when the executor has closed its end."""
        return self._exactly(*_LENGTH.unpack(self._exactly(_LENGTH.size)))

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._socket.recv(min(size - len(parts), 1 << 20))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)


class ExecutorChannel:
    """The executor's end: never waits. What the socket does not take is kept and sent later."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._unsent: deque[memoryview] = deque()
        self._received = bytearray()
        # Whether the worker has closed its end, and whether this one is closed.
        self.has_ended = self.is_closed = False

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent) and not self.is_closed

    def send(self, frame: bytes) -> None:
        """Send, now or later; raises OSError if nobody listens any more."""
        self._unsent += (memoryview(_LENGTH.pack(len(frame))), memoryview(frame))
        self.flush()

    def flush(self) -> None:
        """Send what the socket takes; raises OSError if nobody listens any more."""
        try:
            while self._unsent:
                sent = self._socket.send(self._unsent[0])
                if sent < len(self._unsent[0]):
                    self._unsent[0] = self._unsent[0][sent:]
                else:
                    self._unsent.popleft()
        except BlockingIOError:
            pass

    def receive(self) -> list[bytes]:
        """The frames that are there; sets ``has_ended`` when the worker has closed its end."""
        try:
            while part := self._socket.recv(_CHUNK_BYTES):
                self._received += part
            self.has_ended = True
        except BlockingIOError:
            pass
        except OSError:
            self.has_ended = True
        frames = []
        while len(self._received) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._received)[0]
            if len(self._received) < end:
                break
            frames.append(bytes(self._received[_LENGTH.size : end]))
            del self._received[:end]
        return frames

    def close(self) -> None:
        self.is_closed = True
        self._socket.close()
