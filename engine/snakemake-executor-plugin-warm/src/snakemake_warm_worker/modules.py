"""Modules and loggers: what a worker keeps of them, and what goes with the job that brought it."""

from __future__ import annotations

import importlib.machinery
import logging
import os
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

_ABSENT = object()
_CONSTANTS = (int, float, str, bytes, tuple)
_Contents = tuple[list[str], list[Any]]


class Modules:
    """What a job imports from the interpreter's own search path stays, as a warm worker is for this.

    Modules from elsewhere (beside the script, say) go with their job. In those that stay, functions,
    classes and constants that a script has replaced by others are put back.
    """

    def __init__(self) -> None:
        self._modules = dict(sys.modules)
        self._finders: tuple[list[Any], list[Any]] = (list(sys.meta_path), list(sys.path_hooks))
        # Names and values; lists, as these are compared fastest.
        self._contents: dict[str, _Contents] = {}
        self._remember_contents()

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def have_come_from(self, directory: str) -> bool:
        """Whether a module has been imported from a folder, or below it, in this job."""
        new = sys.modules.keys() - self._modules.keys()
        return any(_origin(sys.modules[name]).startswith(directory) for name in new)

    def restore_contents(self) -> None:
        """Put back what a script has replaced in modules."""
        for name, before in self._contents.items():
            current = vars(self._modules[name])
            if not _are_equal(current, before):
                _put_back(current, before, name.partition(".")[0])
                self._contents[name] = (list(current), list(current.values()))

    def restore(self, script_directory: str) -> bool:
        """Put the list of modules back; returns whether some are kept that were not there before."""
        sys.modules["__main__"] = self._modules["__main__"]
        if sys.modules == self._modules:
            return False
        new = {name: mod for name, mod in sys.modules.items() if name not in self._modules}
        kept = {
            top
            for top in {name.partition(".")[0] for name in new}
            if top in self._modules or _is_found_again(top, new.get(top), script_directory)
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
        self._remember_contents()
        return bool(kept)

    def _remember_contents(self) -> None:
        for name, module in self._modules.items():
            if name not in self._contents and name != "__main__" and type(module) is ModuleType:
                self._contents[name] = (list(vars(module)), list(vars(module).values()))


class Loggers:
    """Level, handlers and flags of every logger that stays."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._states: dict[str | None, _LoggerState] = {None: _LoggerState(logging.root)}
        for name, logger in logging.root.manager.loggerDict.items():
            if isinstance(logger, logging.Logger):
                self._states[name] = _LoggerState(logger)

    def restore(self) -> None:
        logging.disable(logging.NOTSET)
        for name, logger in list(logging.root.manager.loggerDict.items()):
            if name not in self._states and isinstance(logger, logging.Logger):
                if name.partition(".")[0] in self._modules:
                    self._states[name] = _LoggerState(logger)
                else:
                    self._states[name] = _LoggerState(logging.Logger(name), of=logger)
        for state in self._states.values():
            state.restore()


class _LoggerState:
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


def _are_equal(current: dict[str, Any], before: _Contents) -> bool:
    try:
        return list(current.values()) == before[1]
    except Exception:  # of a value that does not compare, which is not the one from before
        return False


def _put_back(current: dict[str, Any], before: _Contents, library: str) -> None:
    """Put back what has been replaced in a module's names; what a library does to itself stays."""
    for key, old in zip(*before, strict=True):
        new = current.get(key, _ABSENT)
        if new is not old and _is_replaced(old, new, key, library):
            current[key] = old


def _is_replaced(old: Any, new: Any, key: str, library: str) -> bool:
    if isinstance(old, (FunctionType, BuiltinFunctionType, type)):
        # A library may put its own, better function in the place of another.
        maker = getattr(new, "__module__", None) or ""
        return new is None or not callable(new) or maker.partition(".")[0] != library
    is_constant = key.isupper() and not key.startswith("_") and type(old) in _CONSTANTS
    return is_constant and type(new) in _CONSTANTS and new != old


def _is_found_again(name: str, module: ModuleType | None, script_directory: str) -> bool:
    """Whether an import with the plain search path would give the same module again.

    Not so beside the script: such a module may hold on to the `snakemake` object of its job.
    """
    spec = getattr(module, "__spec__", None)
    if module is None or spec is None or spec.name != name or module.__name__ == "__main__":
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


def _origin(module: ModuleType) -> str:
    return getattr(getattr(module, "__spec__", None), "origin", None) or ""


def _locations(spec: importlib.machinery.ModuleSpec) -> list[str]:
    return list(spec.submodule_search_locations or ())
