"""Options of a command from the fields of a model: declared once, with their help and checks."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

import click
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

Decorated = Callable[..., Any]

ALIASES = {"seed": ("--random-state",), "methods": ("--method",)}
"""Other names that an option of a field has."""


def options_of(model: type[BaseModel], *, without: tuple[str, ...] = ()) -> list[Decorated]:
    """A click option for each field of `model`; one that is not given is left out of the values.

    Numbers and dates are checked by the model, lists are parted by commas, `null` is none.
    """
    return [
        _option(name, field) for name, field in model.model_fields.items() if name not in without
    ]


def decorated(command: Decorated, options: list[Decorated]) -> Decorated:
    """`command` with all `options`, in their order."""
    for option in reversed(options):
        command = option(command)
    return command


def given(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `model` that were given, as the model takes them."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        value = values.get(name)
        if value is None:
            continue
        if value == "null":
            found[name] = None
        elif _is_list(field.annotation):
            found[name] = numbers_or_names(value)
        else:
            found[name] = value
    return found


def numbers_or_names(text: str) -> list[str]:
    """`2-5` and `2,3,4,5` are the same list; names are parted by commas.

    What is no list of a reasonable length, such as `5-2` or `1-1000000`, stays for the model to refuse.
    """
    found: list[str] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if dash and first.isdecimal() and last.isdecimal() and 0 <= int(last) - int(first) < 1000:
            found += map(str, range(int(first), int(last) + 1))
        else:
            found.append(part.strip())
    return found


def refuse_other_names(option: str, value: str, names: Any) -> None:
    """Raise a usage error unless `value` is one of the type `names`, such as `RunName`."""
    try:
        TypeAdapter(names).validate_python(value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise click.UsageError(
            f"{option} {value!r}: {reason}; small letters, digits, '.' and '-' make a name"
        ) from None


def _option(name: str, field: FieldInfo) -> Decorated:
    names = ("--" + name.replace("_", "-"), *ALIASES.get(name, ()))
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return click.option(
        *names,
        name,
        type=click.Choice(choices, case_sensitive=False) if choices else str,
        metavar=None if choices else _metavar(field.annotation),
        help=" ".join((field.description or "").split()),
    )


def _is_list(annotation: Any) -> bool:
    """Whether a value is a list, or a list or none."""
    return any(get_origin(kind) is tuple for kind in (annotation, *get_args(annotation)))


def _metavar(annotation: Any) -> str:
    """What the help calls a value of this type."""
    if _is_list(annotation):
        return "LIST"
    known = {int: "INTEGER", float: "NUMBER", datetime.date: "DATE"}
    kinds = (annotation, *get_args(annotation))
    return next((known[kind] for kind in kinds if kind in known), "TEXT")
