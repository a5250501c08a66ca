"""The one place that touches a `snakemake` object: it calls a script's main() by parameter name."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any, get_type_hints

from pydantic import BaseModel

from mf_etl import former
from mf_etl.damage import damaged
from mf_etl.errors import MfEtlError

# Libraries whose errors may come from a damaged file, which they often do not name.
_READERS = ("polars", "pyarrow", "builtins", "json", "numpy")
_PARAMETERS: dict[tuple[str, CodeType], list[tuple[str, Any, bool]]] = {}


def run(main: Callable[..., None], snakemake: Any) -> None:
    """Call `main` with what the rule declares.

    Inputs, outputs, parameters, wildcards, `threads`, `config` and `attempt` are matched to the
    parameters of `main` by name and turned into what the annotation says (`Path`, a settings
    model). A failure ends the process with one line on the console; the traceback goes to the log
    of the rule. What the job had made before stays, whole, until it has made something new.
    """
    if snakemake is None:
        raise SystemExit("this script is run by Snakemake; from Python, import it and call main()")
    outputs = [str(path) for path in snakemake.output]
    try:
        former.show(outputs)
        former.out_of_the_future(map(str, snakemake.input))  # the clock may have been set back
        main(**arguments(main, snakemake))
        former.drop(outputs)
    except Exception as error:
        raise SystemExit(_report(error, snakemake)) from None


def arguments(main: Callable[..., None], snakemake: Any) -> dict[str, Any]:
    """Values for the parameters of `main`; a parameter the rule does not declare is an error."""
    declared: dict[str, Any] = {
        "threads": snakemake.threads,
        "config": snakemake.config,
        "attempt": snakemake.resources.get("attempt", 1),
    }
    for source in (snakemake.wildcards, snakemake.params, snakemake.output, snakemake.input):
        declared.update(source.items())
    values = {}
    for name, annotation, is_required in _parameters(main):
        if name in declared:
            values[name] = _converted(declared[name], annotation)
        elif is_required:
            raise MfEtlError(f"rule {snakemake.rule} declares no {name}, which its script takes")
    return values


def _parameters(main: Callable[..., None]) -> list[tuple[str, Any, bool]]:
    """Name, annotation and whether there is no default, of each parameter of `main`."""
    # In a process of many jobs each makes the function anew, of the same code of the same file.
    key = main.__code__.co_filename, main.__code__
    if key not in _PARAMETERS:
        hints = get_type_hints(main)
        _PARAMETERS[key] = [
            (name, hints.get(name), parameter.default is inspect.Parameter.empty)
            for name, parameter in inspect.signature(main).parameters.items()
        ]
    return _PARAMETERS[key]


def _converted(value: Any, annotation: Any) -> Any:
    if annotation is Path:
        return Path(value)
    if annotation == list[Path]:
        # An input function that gives one path makes a text of it, no list.
        return [Path(path) for path in ([value] if isinstance(value, str) else value)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.model_validate(value)
    return value


def _report(error: Exception, snakemake: Any) -> str:
    """Write the traceback to the job's log; the line that the console shows."""
    kind = "" if isinstance(error, MfEtlError) else f"{type(error).__name__}: "
    identity = snakemake.wildcards.get("ticker") or ",".join(snakemake.wildcards)
    line = f"{snakemake.rule} {identity}: {_damaged_input(error, snakemake) or f'{kind}{error}'}"
    if snakemake.log:
        log = Path(snakemake.log[0])
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(f"{line}\n\n{traceback.format_exc()}", encoding="utf-8")
        except OSError as problem:
            traceback.print_exc(file=sys.stderr)
            return f"{line} (log {log} cannot be written: {problem.strerror})"
        line += f" (log: {log})"
    return line


def _damaged_input(error: Exception, snakemake: Any) -> str:
    """The input that is at fault and how to mend it; empty if none is."""
    paths = [str(path) for path in snakemake.input]
    found = next(damaged(paths), None)
    if found is None and type(error).__module__.partition(".")[0] in _READERS:
        found = next(damaged(paths, within=True), None)
    return str(found or "")
