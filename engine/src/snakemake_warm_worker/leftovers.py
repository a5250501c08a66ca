"""What a script left running, which only the end of its process brings to an end."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any, ParamSpec, TypeVar, cast

import psutil

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Leftovers:
    """Threads, child processes and exit handlers that were not there before the jobs."""

    def __init__(self) -> None:
        # The first finalizer registers one handler for all; let it not look like a job's.
        weakref.finalize(self, int).detach()
        self._threads = set(threading.enumerate())
        self._children = _living_children()
        self._has_exit_handler = False
        self._register = atexit.register
        # In the shape of what it replaces, whose types are those of any function.
        atexit.register = cast(Any, self._note_exit_handler)

    def exist(self) -> bool:
        if self._has_exit_handler or not self._threads.issuperset(threading.enumerate()):
            return True
        return _has_children() and not self._children.issuperset(_living_children())

    def _note_exit_handler(
        self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> Callable[_P, _T]:
        # A handler that a module registers while it is imported is the library's own business:
        # it is due when the worker ends. Any other is the job's and due when the job ends.
        if not _is_import(sys._getframe(1)):
            self._has_exit_handler = True
        return self._register(function, *args, **kwargs)


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
