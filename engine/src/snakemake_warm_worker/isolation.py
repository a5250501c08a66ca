"""Puts the state of the process back after a job, or says that this cannot be done."""

from __future__ import annotations

import builtins
import gc
import importlib.machinery
import locale
import logging
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import warnings

# The same as signal.getsignal without its conversion to enumerations, which is noticeable when all
# signals are looked at after each job.
from _signal import getsignal
from types import ModuleType
from typing import Any

_SIGNALS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
_LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
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
)


class Isolation:
    """The state that every job finds, captured once and put back after each.

    What a job imports from the interpreter's own search path stays imported, as this is what a
    warm worker is for; modules from elsewhere (beside the script, say) go with their job.
    """

    def __init__(self) -> None:
        self._directory = os.getcwd()
        self._environment = dict(os.environ)
        self._umask = _current_umask()
        self._signals = {number: getsignal(number) for number in _SIGNALS}
        self._sys = {name: getattr(sys, name) for name in _SYS_ATTRIBUTES}
        self._search_path = list(sys.path)
        self._finders: tuple[list[Any], list[Any]] = (list(sys.meta_path), list(sys.path_hooks))
        self._threading_excepthook = threading.excepthook
        self._recursion_limit = sys.getrecursionlimit()
        self._gc = (gc.isenabled(), gc.get_threshold())
        self._locale = locale.setlocale(locale.LC_ALL)
        self._builtins = dict(vars(builtins))
        self._loggers: dict[str | None, _LoggerState] = {None: _LoggerState(logging.root)}
        self._remember_loggers()
        self._modules = dict(sys.modules)
        self._fixed = _fixed_state()

    def prepare(self) -> None:
        """Before a job: fresh randomness, temporary files where the job's environment says."""
        random.seed()
        if (numpy_random := sys.modules.get("numpy.random")) is not None:
            numpy_random.seed()
        tempfile.tempdir = None
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()

    def restore(self, script_directory: str) -> None:
        """After a job: the captured state."""
        self._warnings.__exit__(None, None, None)
        self._restore_process()
        self._restore_interpreter()
        self._restore_modules(script_directory)
        self._restore_loggers()

    def is_broken(self) -> bool:
        """Whether a job left something that cannot be put back."""
        return _fixed_state() != self._fixed

    def _restore_process(self) -> None:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._signals.items():
            if getsignal(number) is not handler and handler is not None:
                signal.signal(number, handler)
        os.umask(self._umask)
        os.chdir(self._directory)
        self._restore_environment()
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)

    def _restore_interpreter(self) -> None:
        _flush(sys.stdout)
        _flush(sys.stderr)
        for name, value in self._sys.items():
            setattr(sys, name, value)
        _flush(sys.stdout)
        _flush(sys.stderr)
        sys.settrace(None)
        sys.setprofile(None)
        sys.setrecursionlimit(self._recursion_limit)
        sys.path[:] = self._search_path
        threading.excepthook = self._threading_excepthook
        (gc.enable if self._gc[0] else gc.disable)()
        gc.set_threshold(*self._gc[1])
        names = vars(builtins)
        if names != self._builtins:
            for name in names.keys() - self._builtins.keys():
                del names[name]
            names.update(self._builtins)

    def _restore_environment(self) -> None:
        current = dict(os.environ)
        if current == self._environment:
            return
        for name in current.keys() - self._environment.keys():
            del os.environ[name]
        for name, value in self._environment.items():
            if current.get(name) != value:
                os.environ[name] = value

    def _restore_modules(self, script_directory: str) -> None:
        sys.modules["__main__"] = self._modules["__main__"]
        if sys.modules == self._modules:
            return
        new = {name: mod for name, mod in sys.modules.items() if name not in self._modules}
        kept = {
            top
            for top in {name.partition(".")[0] for name in new}
            if top in self._modules or _is_found_again(new.get(top), script_directory)
        }
        for name in new:
            if name.partition(".")[0] in kept:
                self._modules[name] = new[name]
        sys.modules.clear()
        sys.modules.update(self._modules)
        lists: tuple[list[Any], list[Any]] = (sys.meta_path, sys.path_hooks)
        for entries, saved in zip(lists, self._finders, strict=True):
            # A finder that belongs to a module that stays has to stay with it.
            saved.extend(
                entry
                for entry in entries
                if entry not in saved and getattr(entry, "__module__", None) in self._modules
            )
            entries[:] = saved
        if kept:
            gc.freeze()  # what stays for good need not be looked at after each job

    def _remember_loggers(self) -> None:
        for name, logger in logging.root.manager.loggerDict.items():
            if name not in self._loggers and isinstance(logger, logging.Logger):
                self._loggers[name] = _LoggerState(logger)

    def _restore_loggers(self) -> None:
        logging.disable(logging.NOTSET)
        for name, logger in list(logging.root.manager.loggerDict.items()):
            if name not in self._loggers and isinstance(logger, logging.Logger):
                if name.partition(".")[0] in self._modules:
                    self._loggers[name] = _LoggerState(logger)
                else:
                    self._loggers[name] = _LoggerState(logging.Logger(name), of=logger)
        for state in self._loggers.values():
            state.restore()


class _LoggerState:
    """Level, handlers and flags of one logger."""

    def __init__(self, logger: logging.Logger, of: logging.Logger | None = None) -> None:
        self._logger = of or logger
        self._level = logger.level
        self._handlers = list(logger.handlers)
        self._filters = list(logger.filters)
        self._flags = (logger.propagate, logger.disabled)

    def restore(self) -> None:
        logger = self._logger
        if logger.handlers != self._handlers:
            for handler in logger.handlers:
                if handler not in self._handlers:
                    handler.close()
            logger.handlers[:] = self._handlers
        if logger.filters != self._filters:
            logger.filters[:] = self._filters
        if logger.level != self._level:
            logger.setLevel(self._level)
        logger.propagate, logger.disabled = self._flags


def _is_found_again(module: ModuleType | None, script_directory: str) -> bool:
    """Whether an import with the plain search path would give the same module again.

    Not so beside the script: such a module may hold on to the `snakemake` object of its job.
    """
    spec = getattr(module, "__spec__", None)
    if module is None or spec is None or module.__name__ == "__main__":
        return False
    if os.path.dirname(spec.origin or "") == script_directory:
        return False
    for finder in sys.meta_path:
        found = finder.find_spec(spec.name, None) if hasattr(finder, "find_spec") else None
        if found is not None:
            if spec.origin is None and found.origin is None:
                return _locations(found) == _locations(spec)
            return bool(found.origin == spec.origin)
    return False


def _locations(spec: importlib.machinery.ModuleSpec) -> list[str]:
    return list(spec.submodule_search_locations or ())


def _fixed_state() -> tuple[object, ...]:
    """Things that a process cannot put back by itself, or that are not worth the attempt."""
    streams: list[tuple[int, int] | None] = []
    for number in (0, 1, 2):
        try:
            status = os.fstat(number)
        except OSError:
            streams.append(None)
        else:
            streams.append((status.st_dev, status.st_ino))
    return (
        streams,
        [stream is None or stream.closed for stream in (sys.stdout, sys.stderr)],
        [resource.getrlimit(limit) for limit in _LIMITS],
        os.getpriority(os.PRIO_PROCESS, 0),
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None,
        (os.getresuid(), os.getresgid()) if hasattr(os, "getresuid") else os.getuid(),
    )


def _current_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _flush(stream: Any) -> None:
    try:
        stream.flush()
    except (AttributeError, OSError, ValueError):
        pass  # None, a closed pipe or a closed file: nothing is left to be written
