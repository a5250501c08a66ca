"""Puts the process back after a job, by tables (`state`, `libraries`), or says what it cannot."""

from __future__ import annotations

import gc
import logging
import random
import sys
import tempfile
import typing
import weakref
from collections.abc import Sequence
from functools import partial
from types import FrameType, FunctionType
from typing import Any

from snakemake_warm_worker.imports import Imports
from snakemake_warm_worker.leftovers import Leftovers
from snakemake_warm_worker.libraries import LIBRARIES
from snakemake_warm_worker.modules import Loggers, Modules
from snakemake_warm_worker.state import INTERPRETER, PROCESS, Table


class Isolation:
    """The state that every job finds, captured once and put back after each."""

    def __init__(self) -> None:
        self._leftovers = Leftovers()
        self._imports = Imports(lambda: self._table)
        self._modules = Modules()
        self._loggers = Loggers(self._modules)
        self._table = Table([*PROCESS, *INTERPRETER, *LIBRARIES])

    def prepare(self, script_directories: Sequence[str]) -> None:
        """Before a job: fresh randomness, temporary files where the job's environment says."""
        random.seed()
        if (numpy_random := sys.modules.get("numpy.random")) is not None:
            numpy_random.seed()
        tempfile.tempdir = None
        self._imports.begin(script_directories)

    def restore(
        self, script_directory: str, names: Sequence[weakref.ref[Any]], may_replace: bool = True
    ) -> str:
        """After a job: the captured state. Returns what only the end of the process ends.

        `names` are alive as long as something holds a function or class of the script: a library
        that it has patched, or in which it has registered something. `may_replace` tells whether
        the script itself could have replaced something in a module; those from beside it always can.
        """
        self._imports.end()
        if left := self._leftovers.running():
            return left
        if may_replace or self._modules.have_come_from(script_directory):
            self._modules.restore_contents()
        logging.captureWarnings(False)
        broken = self._table.restore()
        are_modules_new = self._modules.restore(script_directory)
        self._loggers.restore()
        gc.collect()  # closes the files that a reference cycle holds
        if any(_is_held(name) for name in names):
            return "a function or class of the script in a library"
        if are_modules_new:
            gc.freeze()  # what stays for good need not be looked at after each job
        if broken:
            return "a change of " + ", ".join(broken)
        return self._leftovers.open_files()


def _is_held(token: weakref.ref[Any]) -> bool:
    """Whether something outside holds what `token` stands for: a class of the script, or its names."""
    if token() is None:
        return False
    # What it remembers of types of a script, such as Optional[Own], is of no consequence.
    for forget in getattr(typing, "_cleanups", ()):
        forget()
    gc.collect()
    if isinstance(token(), type):
        return True
    namespace = next(filter(partial(_has_token, token()), gc.get_referrers(token())), None)
    if token() is None or namespace is None:
        return False
    holders = gc.get_referrers(namespace)
    if not any(isinstance(holder, FrameType) for holder in holders):
        return True
    # A library keeps an exception, and so the frames of all that led to it: no harm as long as
    # nothing but such frames keeps one of the script's functions, which has lost the script's names.
    functions = [
        weakref.ref(holder)
        for holder in holders
        if isinstance(holder, FunctionType) and holder.__code__.co_name != "<module>"
    ]
    del holders
    namespace.clear()
    gc.collect()
    return any(map(_is_at_hand, functions))


def _is_at_hand(function: weakref.ref[FunctionType]) -> bool:
    """Whether a function can still be called: something holds it that is no frame."""
    alive = function()
    if alive is None:
        return False
    return any(not isinstance(holder, FrameType) for holder in gc.get_referrers(alive))


def _has_token(token: Any, holder: Any) -> bool:
    return type(holder) is dict and holder.get("__real_file__") is token
