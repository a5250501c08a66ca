"""Which project a command works in: the folder with its settings and its Snakefile."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from mf_etl.project import SNAKEFILE, find
from mf_etl.settings.model import DEFAULT_FILE


def _started_in() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # the folder has been deleted meanwhile
        return Path("/")


_STARTED_IN = _started_in()


def enter() -> Path:
    """Make the project's folder the working directory, from any folder below it.

    Relative paths of the settings count from there; those of options from where the user stands
    (`UserPath`). Raises a usage error outside of a project.
    """
    folder = find(_STARTED_IN)
    if folder is None:
        raise click.UsageError(
            f"{_STARTED_IN} is in no project: no folder from here up has {DEFAULT_FILE} and a "
            f"{SNAKEFILE}; cd into the folder of the project, or clone one"
        )
    os.chdir(folder)
    return folder


def user_path(value: str | os.PathLike[str]) -> Path:
    """A path as a user writes it, absolute: `~` is their home, and it counts from where they stand."""
    path = os.path.expanduser(value)  # noqa: PTH111 - leaves ~unknown as it is
    # Links are kept: a data folder may be one.
    return Path(os.path.abspath(_STARTED_IN / path))  # noqa: PTH100


def project_path(value: str | os.PathLike[str]) -> Path:
    """The same, as the settings would name it: from the project's folder, where it is below it."""
    path, here = user_path(value), Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


class UserPath(click.Path):
    """An option that is a path (`user_path`)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(
        self,
        value: str | os.PathLike[str],
        parameter: click.Parameter | None,
        context: click.Context | None,
    ) -> Any:
        return super().convert(project_path(value), parameter, context)
