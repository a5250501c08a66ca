"""One thread for libraries that have threads of their own: their sums differ with how many."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController, threadpool_limits

_lock = threading.Lock()
_inside = 0
_before: dict[str, int] = {}
_here = threading.local()


@contextmanager
def one_library_thread() -> Iterator[None]:
    """Limit the threads of linear algebra libraries, and of OpenMP in this thread, to one.

    May be entered again, also by other threads. Linear algebra has one limit for the process: the first
    that enters sets it, the last that leaves lifts it. OpenMP has one for each thread. To enter again
    costs nothing, where a limit looks through all loaded libraries for some milliseconds: enter once
    around many short calls.
    """
    global _inside
    with _lock:
        if _inside == 0:
            found = ThreadpoolController().select(user_api="blas").info()
            _before.update({library["filepath"]: library["num_threads"] for library in found})
            threadpool_limits(1, user_api="blas")
        _inside += 1
    outermost = not getattr(_here, "inside", False)
    of_thread = threadpool_limits(1, user_api="openmp") if outermost else None
    _here.inside = True
    try:
        yield
    finally:
        if of_thread is not None:
            of_thread.restore_original_limits()
            _here.inside = False
        with _lock:
            _inside -= 1
            if _inside == 0:
                threadpool_limits(_before)
                _before.clear()
