"""Why a step has to run, in the words of someone who changed something."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set
from typing import Any

NEW = "new"
"""Nothing of the ticker has been built yet."""
CHANGED = "changed"
"""Its raw file has other content."""
MISSING = "missing"
"""A file is gone, or only half of it was written."""
ABOVE = "input rebuilt"
"""What it is made from has been, or will be, made anew."""
FORCED = "forced"
FAILED = "failed before"
"""It could not be built the last time."""
OTHER = "raw files changed"
"""What the archive holds as a whole is another: files came, went or changed."""


def changed_parameters(before: Set[str], now: Set[str], *, step: str, code: str) -> list[str]:
    """What differs between two recorded sets of parameters of a step, each as its literal text.

    Gives `setting a.b` for each setting, and `code of` the step if `code`, its digest, is new.
    """
    told = []
    if repr(code) in now:
        told.append(f"code of {step}")
    told += [f"setting {key}" for key in sorted(_differing(_settings(before), _settings(now)))]
    return told or [OTHER]


def changed_step(step: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs first between two versions of a step, each its `code` and its `settings`."""
    if before.get("code") != now["code"]:
        return f"code of {step}"
    settings = [dict(_leaves(version.get("settings", {}), "")) for version in (before, now)]
    return f"setting {min(_differing(*settings))}"


def _settings(parameters: Set[str]) -> dict[str, Any]:
    """Every setting of those parameters that are mappings, by its dotted key."""
    found: dict[str, Any] = {}
    for text in parameters:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(value, Mapping):
            found |= dict(_leaves(value, ""))
    return found


def _leaves(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in {*before, *now}:
        if (key in before) != (key in now) or before[key] != now[key]:
            yield key
