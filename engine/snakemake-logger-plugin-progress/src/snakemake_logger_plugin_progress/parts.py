"""Jobs that are runs of parts of a workflow, and tell what they do: with the executor `warm` only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class FailedJob(Protocol):
    """A job of a part that failed: its rule, wildcards, log file if it has one, and one line."""

    @property
    def rule(self) -> str: ...
    @property
    def wildcards(self) -> Mapping[str, str]: ...
    @property
    def log(self) -> str | None: ...
    @property
    def error(self) -> str: ...


class News(Protocol):
    """What a part has done since its last news; jobs are counted by rule."""

    @property
    def done(self) -> Mapping[str, int]: ...
    @property
    def failed(self) -> Sequence[FailedJob]: ...


def listen(listener: Any) -> None:
    """Hear from now on what parts do, if there is who tells."""
    if (progress := _progress()) is not None:
        progress.listen(listener)


def stop_listening(listener: Any) -> None:
    """Hear no more."""
    if (progress := _progress()) is not None:
        progress.stop_listening(listener)


def _progress() -> Any:
    try:
        from snakemake_parts import progress
    except ImportError:
        return None
    return progress
