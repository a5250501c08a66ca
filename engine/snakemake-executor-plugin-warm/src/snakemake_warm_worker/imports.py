"""Tells what an import changes in the process, which stays, from what a script changes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from snakemake_warm_worker.state import Table


class Imports:
    """A finder that finds nothing by itself: it watches what others find while it is executed.

    A library registers things, filters warnings or sets a variable while it is imported, once in the
    life of a worker. Modules from beside the script are the script's own.
    """

    def __init__(self, table: Callable[[], Table]) -> None:
        self._table = table
        self._script_directories: Sequence[str] = ()
        # Whether imports are of no interest now: between jobs, and within another import.
        self._is_resting = True
        sys.meta_path.insert(0, self)

    def begin(self, script_directories: Sequence[str]) -> None:
        self._script_directories = [directory for directory in script_directories if directory]
        self._is_resting = False

    def end(self) -> None:
        self._is_resting = True

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """What another finder finds, with a loader that is watched for once; else None."""
        if self._is_resting:
            return None
        self._is_resting = True
        try:
            spec = self._found(name, path, target)
        finally:
            self._is_resting = False
        loader: Any = getattr(spec, "loader", None)
        # Built-in modules have a class for a loader, and change nothing.
        if loader is None or isinstance(loader, type) or self._is_of_script(spec):
            return None
        if not hasattr(loader, "exec_module"):
            return None

        def watched(module: ModuleType) -> None:
            del loader.exec_module
            self._watch(loader.exec_module, module)

        try:
            loader.exec_module = watched
        except AttributeError:
            return None
        return spec

    def _found(self, name: str, path: Any, target: Any) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                if (spec := finder.find_spec(name, path, target)) is not None:
                    return spec
        return None

    def _is_of_script(self, spec: ModuleSpec | None) -> bool:
        place = os.path.dirname(getattr(spec, "origin", None) or "")
        # The file itself or a package beside the script; an environment may lie below, too.
        places = (place, os.path.dirname(place))
        return any(directory in places for directory in self._script_directories)

    def _watch(self, execute: Callable[[ModuleType], None], module: ModuleType) -> None:
        if self._is_resting:
            execute(module)
            return
        self._is_resting = True
        table = self._table()
        before = table.looks()
        try:
            execute(module)
        finally:
            table.learn(before)
            self._is_resting = False
