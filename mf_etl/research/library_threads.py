"""One thread for libraries that have threads of their own: their sums differ with how many."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_inside = 0
_limits: threadpool_limits | None = None


@contextmanager
def one_library_thread() -> Iterator[None]:
    """Limit the threads of linear algebra libraries, in all threads, to one.

    May be entered again, also by other threads: the first that enters sets the limit, the last that
    leaves lifts it. What is inside costs nothing, where a limit looks through all loaded libraries
    for some milliseconds: enter once around many short calls.
    """
    global _inside, _limits
    with _lock:
        if _inside == 0:
            _limits = threadpool_limits(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _limits is not None:
                _limits.restore_original_limits()
                _limits = None
