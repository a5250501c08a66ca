"""What a script left running or open, which only the end of its process brings to an end."""

from __future__ import annotations

import atexit
import fcntl
import os
import stat
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, ParamSpec, TypeVar, cast

import psutil

_P = ParamSpec("_P")
_T = TypeVar("_T")

_DESCRIPTORS = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
# Of these an operating system gives some to a library, which keeps them for good.
_MAX_KEPT_DESCRIPTORS = 200


class Leftovers:
    """Threads, child processes, exit handlers and open files that were not there before the jobs."""

    def __init__(self) -> None:
        # The first finalizer registers one handler for all; let it not look like a job's.
        weakref.finalize(self, int).detach()
        self._threads = set(threading.enumerate())
        self._children = _living_children()
        self._has_exit_handler = False
        self._register = atexit.register
        # In the shape of what it replaces, whose types are those of any function.
        atexit.register = cast(Any, self._note_exit_handler)
        self._open = dict(_open_descriptors())
        self._max_open = len(self._open) + _MAX_KEPT_DESCRIPTORS

    def running(self) -> str:
        """What of a job is still at work, in words; empty if nothing is."""
        if self._has_exit_handler:
            return "an exit handler"
        for thread in threading.enumerate():
            if thread not in self._threads:
                kind = type(thread).__name__
                return f"the thread {thread.name!r}" + (f" ({kind})" if kind != "Thread" else "")
        if _has_children() and not self._children.issuperset(_living_children()):
            return "a child process"
        return ""

    def open_files(self) -> str:
        """What of a job is still open and does harm, in words; empty if nothing is.

        A file that is open for reading and not locked does none: libraries keep fonts so. The
        same goes for what the operating system makes for a library's own event loops, and for a pipe
        with both its ends here, by which a library wakes itself up.
        """
        current = dict(_open_descriptors())
        if current == self._open:
            return ""
        if any(current.get(number) != file for number, file in self._open.items()):
            return "a closed or replaced file descriptor of the process"
        files = list(current.values())
        for number in current.keys() - self._open.keys():
            if name := _harmful(number, has_both_ends=files.count(current[number]) > 1):
                return name
        self._open = current
        return "too many open files" if len(current) > self._max_open else ""

    def _note_exit_handler(
        self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> Callable[_P, _T]:
        # A handler that a module registers while it is imported is the library's own business:
        # it is due when the worker ends. Any other is the job's and due when the job ends.
        if not _is_import(sys._getframe(1)):
            self._has_exit_handler = True
        return self._register(function, *args, **kwargs)


def _open_descriptors() -> Iterator[tuple[int, tuple[int, int]]]:
    """Number and identity of each open file; not of the folder that is read to find them."""
    for name in os.listdir(_DESCRIPTORS):
        try:
            status = os.fstat(int(name))
        except OSError:
            continue
        yield int(name), (status.st_dev, status.st_ino)


def _harmful(number: int, has_both_ends: bool) -> str:
    try:
        mode = os.fstat(number).st_mode
        is_for_reading = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
        name = os.readlink(f"/proc/self/fd/{number}")
        with open(f"/proc/self/fdinfo/{number}", encoding="utf-8") as info:
            is_locked = any(line.startswith("lock:") for line in info)
    except OSError:
        return f"the open file descriptor {number}"
    if name.startswith("anon_inode:"):
        return ""
    if stat.S_ISREG(mode) and is_for_reading and not is_locked:
        return ""
    if stat.S_ISFIFO(mode) and has_both_ends:
        return ""
    return f"the open file {name}"


def _is_import(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") != "__main__":
            return True
        frame = frame.f_back
    return False


def _has_children() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass  # has ended: nobody waits for it any more
    except ChildProcessError:
        return False
    return True


def _living_children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}
