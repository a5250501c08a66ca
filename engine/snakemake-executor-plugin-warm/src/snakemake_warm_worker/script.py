"""Runs one script as `python script.py` would run it, with the `snakemake` object in place."""

from __future__ import annotations

import ast
import os
import pickle
import sys
import traceback
import weakref
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any

from snakemake.iocontainers import Params, Snakemake
from snakemake.logging import logger

from snakemake_warm_worker.protocol import Outcome, Script, Usage
from snakemake_warm_worker.usage import Meter

# Where Snakemake puts the copies of scripts that it runs; the first place to import from.
SCRIPTS_DIRECTORY = os.path.join(".snakemake", "scripts")


_MEANS_TO_REPLACE = ("__dict__", "delattr", "eval", "exec", "monkey", "patch", "setattr", "vars")
# Parameters of these libraries' types are converted on their way to a script.
_CONVERTED = ("numpy", "pandas", "polars")


class _LightSnakemake(Snakemake):
    """Stores parameters without importing the libraries above when none of them is theirs."""

    def _safely_store_params(self, params: Params) -> None:
        if any(
            base.__module__.partition(".")[0] in _CONVERTED
            for value in params
            for base in type(value).__mro__
        ):
            super()._safely_store_params(params)
            return
        self._params_store = Params(toclone=list(params))
        self._params_store._take_names(params._get_names())
        self._params_types: dict[str, Any] = {}


class _Text(str):
    """A string that can be weakly referred to."""


class JobEnd(Exception):
    """A job that failed: one line about it, and its traceback if there is one."""

    def __init__(self, error: str, traceback_text: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.traceback_text = traceback_text


def run_job(
    script: Script,
    config: bytes,
    job: bytes,
    repeats: int | None,
    paths: tuple[list[str], list[str]],
    names: list[weakref.ref[Any]],
) -> Outcome:
    """Run a script for a job, ``repeats`` times with measurements if that is not None.

    ``paths`` are the places to find modules, before and after the script's own; ``names`` takes
    what is alive as long as something holds the names of the script.
    """
    usages: list[Usage] = []
    try:
        for iteration in range(repeats) if repeats is not None else [None]:
            snakemake = _snakemake_object(script, config, job, iteration)
            _set_temporary_directory(snakemake.resources.get("tmpdir"))
            if repeats is None:
                _run(script, snakemake, paths, names)
                continue
            meter = Meter()
            meter.start()
            try:
                _run(script, snakemake, paths, names)
            finally:
                usages.append(meter.stop())
    except JobEnd as end:
        return Outcome(end.error, end.traceback_text)
    return Outcome(usages=tuple(usages))


def _snakemake_object(script: Script, config: bytes, job: bytes, iteration: int | None) -> Any:
    try:
        input_, output, params, wildcards, threads, resources, log = pickle.loads(job)
        snakemake = _LightSnakemake(
            input_,
            output,
            params,
            wildcards,
            threads,
            resources,
            log,
            pickle.loads(config),
            script.rule,
            iteration,
            script.directory,
        )
        snakemake.__class__ = Snakemake
        return snakemake
    except Exception as error:
        raise JobEnd(_one_line(error), _format_traceback(error, error.__traceback__)) from None


def _set_temporary_directory(path: str | None) -> None:
    if path:
        for name in ("TMPDIR", "TMP", "TEMPDIR", "TEMP"):
            os.environ[name] = path


def _run(
    script: Script,
    snakemake: Snakemake,
    paths: tuple[list[str], list[str]],
    names: list[weakref.ref[Any]],
) -> None:
    """Execute the script as the module `__main__`; raises JobEnd unless it succeeds."""
    scripts_directory = os.path.abspath(SCRIPTS_DIRECTORY)
    executed_file = _Text(os.path.join(scripts_directory, f"warm.{os.path.basename(script.file)}"))
    names.append(weakref.ref(executed_file))
    sys.argv = [str(executed_file)]
    own_paths = [path for path in (script.cache_directory, script.directory) if path]
    search_paths, last_paths = paths
    sys.path[:] = [scripts_directory, *search_paths, *own_paths, *last_paths]
    module = ModuleType("__main__")
    namespace = vars(module)
    namespace.update(
        __builtins__=sys.modules["builtins"],
        __file__=script.file,
        __real_file__=executed_file,
        __cached__=None,
        __annotations__={},
        __loader__=SourceFileLoader("__main__", str(executed_file)),
        sys=sys,
        pickle=pickle,
        snakemake=snakemake,
        logger=logger,
        Snakemake=Snakemake,
    )
    sys.modules["__main__"] = module
    try:
        exec(_compiled(script.source, script.file), namespace)
    except SystemExit as end:
        _raise_for_exit_status(end.code)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise JobEnd(_one_line(error), _report(error)) from None
    finally:
        names.extend(
            weakref.ref(value)
            for value in list(namespace.values())
            if isinstance(value, type) and value.__module__ == "__main__"
        )


@lru_cache(maxsize=64)
def _compiled(source: str, file: str) -> CodeType:
    tree = ast.parse(source, file)
    # In a script that Snakemake starts, its preamble comes first: a leading string is no
    # docstring, and an import from __future__ comes too late. A script has to behave the same
    # under any executor.
    tree.body.insert(0, ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=0))
    return compile(tree, file, "exec", dont_inherit=True)


@lru_cache(maxsize=64)
def may_replace(source: str) -> bool:
    """Whether a script sets an attribute of something, or has other means to replace it in a module.

    Looking for what has been replaced takes milliseconds, as many as a small job.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return False
    return any(
        (isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load))
        or any(means in _word(node) for means in _MEANS_TO_REPLACE)
        for node in nodes
    )


def _word(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.alias):
        return node.name
    return node.id if isinstance(node, ast.Name) else ""


def _raise_for_exit_status(code: object) -> None:
    if code is None or (isinstance(code, int) and code % 256 == 0):
        return
    if isinstance(code, int):
        raise JobEnd(f"exit status {code % 256}") from None
    reason = _shortened(str(code))
    if reason != str(code):  # else the report of the failure says it all
        print(code, file=sys.stderr)
    raise JobEnd(f"exit status 1: {reason}") from None


def _report(error: BaseException) -> str:
    """The traceback of an error, also given to a hook that the script has set."""
    trace = _without_own_frames(error.__traceback__)
    if sys.excepthook is not sys.__excepthook__:
        sys.excepthook(type(error), error, trace)
    return _format_traceback(error, trace)


def _without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def _format_traceback(error: BaseException, trace: TracebackType | None) -> str:
    return "".join(traceback.format_exception(type(error), error, trace))


def _one_line(error: BaseException) -> str:
    return _shortened(f"{type(error).__name__}: {error}".rstrip(": "))


def _shortened(text: str, limit: int = 300) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 3] + "..."
