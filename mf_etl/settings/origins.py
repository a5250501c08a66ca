"""Where each setting in force comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from mf_etl.settings.model import ENV_PREFIX, Settings, sources


class Origin(NamedTuple):
    """A setting, its value as plain data, and where the value is from."""

    key: str
    value: Any
    origin: str


def origins(
    settings: Settings, *, file: Path | None = None, environment: Mapping[str, str] | None = None
) -> list[Origin]:
    """Every setting in force with its origin: `default`, the file's path, or `environment`.

    `file` and `environment` are as in `load_settings`, which made the `settings`.
    """
    from_file, from_environment, path = sources(file, environment)
    given = {key: str(path) for key in _keys(from_file)}
    given |= dict.fromkeys(_keys(from_environment), f"environment ({ENV_PREFIX}…)")
    return [Origin(key, value, _origin(key, given)) for key, value in _leaves(settings)]


def _origin(key: str, given: Mapping[str, str]) -> str:
    """Where `key` is given, or the mapping that it is a part of, or a part of it; the last wins."""
    related = (
        origin
        for other, origin in given.items()
        if f"{key}.".startswith(f"{other}.") or other.startswith(f"{key}.")
    )
    return next(reversed([*related]), "default")


def _keys(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _keys(value, f"{above}{name}.")
        else:
            yield above + name


def _leaves(section: BaseModel, above: str = "") -> Iterator[tuple[str, Any]]:
    for name in type(section).model_fields:
        yield from _below(getattr(section, name), above + name)


def _below(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        yield from _leaves(value, f"{key}.")
    elif isinstance(value, Mapping) and any(isinstance(v, BaseModel) for v in value.values()):
        for name, each in value.items():
            yield from _below(each, f"{key}.{name}")
    else:
        yield key, list(value) if isinstance(value, tuple) else value
