"""What a script can change in its process, and how it is put back: a table to be read by people.

Each entry says what it is about, how to look at it, and how to put it back. After each job every entry
is looked at; what differs is put back and looked at once more. What has no way back, or does not
come back, ends the worker: the next job gets a fresh one. `modules`, `libraries` and `leftovers`
have the rest; docs/further.md says what is not looked at.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import copyreg
import faulthandler
import gc
import locale
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
import tracemalloc
import warnings

# The same as signal.getsignal without its conversion to enumerations, which is noticeable when all
# signals are looked at after each job.
from _signal import getsignal
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from snakemake.shell import shell

_ABSENT = object()
_SIGNALS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
_LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_SYS_ATTRIBUTES = (
    "stdin",
    "stdout",
    "stderr",
    "argv",
    "displayhook",
    "excepthook",
    "unraisablehook",
    "breakpointhook",
    "dont_write_bytecode",
    "pycache_prefix",
    "tracebacklimit",
    "executable",
    "last_exc",
    "last_type",
    "last_value",
    "last_traceback",
)
_LOGGING_ATTRIBUTES = ("raiseExceptions", "lastResort", "logThreads", "logProcesses")
_WARNING_ATTRIBUTES = ("showwarning", "formatwarning")
_SHELL_ATTRIBUTES = (
    "_process_args",
    "_process_prefix",
    "_process_suffix",
    "conda_block_conflicting_envvars",
)


@dataclass(frozen=True)
class Entry:
    """Something that a script can change: in words, how to look, how to put it back if it can be.

    `restore` gets what `capture` gave before the jobs. With `always`, it is called after each job,
    changed or not: where looking does not show all.
    """

    what: str
    capture: Callable[[], Any]
    restore: Callable[[Any], object] | None = None
    always: bool = False


def _attributes(owner: Any, names: tuple[str, ...]) -> Callable[[], tuple[Any, ...]]:
    return lambda: tuple(_copied(getattr(owner, name, _ABSENT)) for name in names)


def _copied(value: Any) -> Any:
    return dict(value) if type(value) is dict else value


def _set_attributes(owner: Any, names: tuple[str, ...]) -> Callable[[tuple[Any, ...]], None]:
    def restore(values: tuple[Any, ...]) -> None:
        for name, value in zip(names, values, strict=True):
            if value is not _ABSENT:
                setattr(owner, name, _copied(value))
            elif hasattr(owner, name):
                delattr(owner, name)

    return restore


def _environment(saved: dict[str, str]) -> None:
    current = dict(os.environ)
    for name in current.keys() - saved.keys():
        del os.environ[name]
    for name, value in saved.items():
        if current.get(name) != value:
            os.environ[name] = value


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _signal_handlers(saved: tuple[Any, ...]) -> None:
    for number, handler in zip(_SIGNALS, saved, strict=True):
        if getsignal(number) is not handler and handler is not None:
            signal.signal(number, handler)


def _limits(saved: tuple[tuple[int, int], ...]) -> None:
    for limit, values in zip(_LIMITS, saved, strict=True):
        if resource.getrlimit(limit) != values:
            resource.setrlimit(limit, values)


def _hooks(_: Any) -> None:
    sys.settrace(None)
    sys.setprofile(None)
    threading.settrace(None)
    threading.setprofile(None)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # None, a closed pipe or a closed file: nothing is left to be written.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()


def _streams(saved: tuple[Any, ...]) -> None:
    _flush()
    _set_attributes(sys, _SYS_ATTRIBUTES)(saved)
    _flush()


def _builtins(saved: dict[str, Any]) -> None:
    names = vars(builtins)
    for name in names.keys() - saved.keys():
        del names[name]
    names.update(saved)


def _collector(saved: tuple[Any, ...]) -> None:
    (gc.enable if saved[0] else gc.disable)()
    gc.set_threshold(*saved[1])
    gc.set_debug(saved[2])
    gc.callbacks[:] = saved[3]


def _warning_filters(saved: list[Any]) -> None:
    warnings.filters[:] = saved  # type: ignore[index]
    with warnings.catch_warnings():
        pass  # has what was shown once be shown once more


def _event_loops(_: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.set_event_loop_policy(None)


def _refill(table: MutableMapping[Any, Any]) -> Callable[[dict[Any, Any]], None]:
    def restore(saved: dict[Any, Any]) -> None:
        table.clear()
        table.update(saved)

    return restore


def _log_factories(saved: tuple[Any, Any]) -> None:
    logging.setLoggerClass(saved[0])
    logging.setLogRecordFactory(saved[1])


def _start_method(saved: str | None) -> None:
    multiprocessing.set_start_method(saved, force=True)


def _memory_trace(_: Any) -> None:
    tracemalloc.stop()


PROCESS = [
    Entry("the working directory", os.getcwd, os.chdir),
    Entry("environment variables", lambda: dict(os.environ), _environment),
    # C keeps the zone that it was last told; the names alone do not show it.
    Entry("the time zone", lambda: time.tzname, lambda _: time.tzset(), always=True),
    Entry("the mask of new files", _umask, os.umask),
    Entry("signal handlers", lambda: tuple(map(getsignal, _SIGNALS)), _signal_handlers),
    Entry(
        "blocked signals",
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        lambda mask: signal.pthread_sigmask(signal.SIG_SETMASK, mask),
    ),
    Entry(
        "alarms and timers",
        lambda: [bool(signal.getitimer(timer)[0]) for timer in _TIMERS],
        lambda _: [signal.setitimer(timer, 0) for timer in _TIMERS],
    ),
    Entry(
        "the locale",
        lambda: locale.setlocale(locale.LC_ALL),
        lambda name: locale.setlocale(locale.LC_ALL, name),
    ),
    Entry("resource limits", lambda: tuple(map(resource.getrlimit, _LIMITS)), _limits),
    Entry("priority", lambda: os.getpriority(os.PRIO_PROCESS, 0)),
    Entry("user and group", lambda: (os.getuid(), os.geteuid(), os.getgid(), os.getegid())),
    Entry("session and process group", lambda: (os.getsid(0), os.getpgid(0))),
    Entry("the root directory", lambda: os.stat("/").st_ino),
]
if hasattr(os, "sched_getaffinity"):
    PROCESS.append(
        Entry(
            "allowed processors",
            lambda: os.sched_getaffinity(0),
            lambda numbers: os.sched_setaffinity(0, numbers),
        )
    )

INTERPRETER = [
    Entry(
        "standard streams, arguments and hooks of sys",
        _attributes(sys, _SYS_ATTRIBUTES),
        _streams,
        always=True,
    ),
    Entry(
        "closed standard streams",
        lambda: [stream is None or stream.closed for stream in (sys.stdout, sys.stderr)],
    ),
    Entry("trace and profile functions", lambda: None, _hooks, always=True),
    Entry("the search path of modules", lambda: list(sys.path), sys.path.__init__),  # type: ignore[misc]
    Entry("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Entry("the thread switch interval", sys.getswitchinterval, sys.setswitchinterval),
    Entry("digits of integers", sys.get_int_max_str_digits, sys.set_int_max_str_digits),
    Entry("warning filters", lambda: list(warnings.filters), _warning_filters, always=True),
    Entry(
        "how warnings are shown",
        _attributes(warnings, _WARNING_ATTRIBUTES),
        _set_attributes(warnings, _WARNING_ATTRIBUTES),
    ),
    Entry("flags of dlopen", sys.getdlopenflags, sys.setdlopenflags),
    Entry("built-in names", lambda: dict(vars(builtins)), _builtins),
    Entry(
        "the garbage collector",
        lambda: (gc.isenabled(), gc.get_threshold(), gc.get_debug(), list(gc.callbacks)),
        _collector,
    ),
    Entry(
        "hooks of threads",
        _attributes(threading, ("excepthook",)),
        _set_attributes(threading, ("excepthook",)),
    ),
    Entry("the stack size of threads", threading.stack_size, threading.stack_size),
    Entry("the time-out of sockets", socket.getdefaulttimeout, socket.setdefaulttimeout),
    Entry(
        "the start method of multiprocessing",
        lambda: multiprocessing.get_start_method(allow_none=True),
        _start_method,
    ),
    Entry(
        "event loops",
        lambda: getattr(asyncio.events, "_event_loop_policy", None),
        _event_loops,
    ),
    Entry(
        "how objects are pickled",
        lambda: dict(copyreg.dispatch_table),
        _refill(copyreg.dispatch_table),
    ),
    Entry("fault handlers", faulthandler.is_enabled, lambda on: faulthandler.disable()),
    Entry("the trace of memory", tracemalloc.is_tracing, _memory_trace),
    Entry(
        "names of log levels",
        lambda: dict(logging._levelToName),
        _refill(logging._levelToName),
    ),
    Entry(
        "log levels by name",
        lambda: dict(logging._nameToLevel),
        _refill(logging._nameToLevel),
    ),
    Entry(
        "classes of loggers and log records",
        lambda: (logging.getLoggerClass(), logging.getLogRecordFactory()),
        _log_factories,
    ),
    Entry(
        "switches of logging",
        _attributes(logging, _LOGGING_ATTRIBUTES),
        _set_attributes(logging, _LOGGING_ATTRIBUTES),
    ),
    Entry(
        "the prefix, suffix and program of snakemake.shell",
        _attributes(shell, _SHELL_ATTRIBUTES),
        _set_attributes(shell, _SHELL_ATTRIBUTES),
    ),
]


class Table:
    """Entries with what they were before the jobs."""

    def __init__(self, entries: list[Entry]) -> None:
        self._saved = [(entry, entry.capture()) for entry in entries]

    def looks(self) -> list[Any]:
        """Everything as it is now."""
        return [_look(entry) for entry, _ in self._saved]

    def learn(self, before: list[Any]) -> None:
        """Take for given what has changed since `before`: not a script did it, but an import."""
        for index, ((entry, saved), earlier) in enumerate(zip(self._saved, before, strict=True)):
            now = _look(entry)
            if now != earlier:
                self._saved[index] = (entry, _merged(saved, earlier, now))

    def restore(self) -> list[str]:
        """Put everything back; returns what does not come back, in words."""
        return [entry.what for entry, saved in self._saved if not _is_restored(entry, saved)]


def _look(entry: Entry) -> Any:
    try:
        return entry.capture()
    except Exception:
        return None  # the working directory is gone, say: a restore will tell


def _merged(saved: Any, before: Any, now: Any) -> Any:
    """What was saved, with the difference between two later looks."""
    if isinstance(now, dict):
        changed = {k: v for k, v in now.items() if k not in before or before[k] != v}
        return {k: v for k, v in saved.items() if k in now or k not in before} | changed
    if isinstance(now, list):
        added = [item for item in now if item not in before]
        first = added if now[: len(added)] == added else []
        kept = [item for item in saved if item in now or item not in before]
        return [*first, *kept, *(added if not first else [])]
    if isinstance(now, tuple) and len(saved) == len(before) == len(now):
        return tuple(map(_merged, saved, before, now))
    return saved if now is before or now == before else now


def _is_restored(entry: Entry, saved: Any) -> bool:
    try:
        if entry.always and entry.restore is not None:
            entry.restore(saved)
        if entry.capture() == saved:
            return True
        if entry.restore is None:
            return False
        entry.restore(saved)
        return bool(entry.capture() == saved)
    except Exception:
        return False  # the working directory is gone, a limit cannot be raised again
