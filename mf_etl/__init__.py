"""mf_etl: daily US stock files to research-ready Parquet layers and market-regime models."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    import mf_etl.project


def open(folder: str | os.PathLike[str] = ".") -> mf_etl.project.Project:
    """The project in `folder`, or in the nearest folder above it: what it has built can be read.

    Also a folder that holds no more than the `data/` of one. Settings are those of the project's
    file and of the environment, as for both commands. Raises `MfEtlError` if there is no project.
    """
    # By its name, so that no step of the workflow hangs on the code of this door.
    found: mf_etl.project.Project = import_module("mf_etl.project").open_project(folder)
    return found
