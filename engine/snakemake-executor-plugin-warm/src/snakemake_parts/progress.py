"""What runs of parts tell to the run of the whole, and who listens there.

In the process of a part, `tell` hands on what was done since it was last asked; a worker sets where to
(`tell_to`), and without one nobody listens. In the process of the whole, executors `publish` what
comes in, and displays `listen`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol


class FailedJob(NamedTuple):
    """A job of a part that failed: its rule, wildcards, log file if it has one, and one line."""

    rule: str
    wildcards: dict[str, str]
    log: str | None
    error: str


class News(NamedTuple):
    """What a part has done since its last news; jobs are counted by rule."""

    done: dict[str, int]
    failed: list[FailedJob]


class Listener(Protocol):
    """A display of the whole run; called in any thread."""

    def parts_expected(self, jobs: Mapping[str, int]) -> None: ...
    def part_has_news(self, news: News) -> None: ...


_listeners: list[Listener] = []
_tell_to: Callable[[News], None] | None = None


def tell_to(receiver: Callable[[News], None] | None) -> None:
    """Set who is told what parts in this process do."""
    global _tell_to
    _tell_to = receiver


def is_heard() -> bool:
    """Whether anybody is told."""
    return _tell_to is not None


def tell(news: News) -> None:
    """Hand on what a part in this process has done."""
    if _tell_to is not None:
        _tell_to(news)


def listen(listener: Listener) -> None:
    """Hear from now on what parts do."""
    _listeners.append(listener)


def stop_listening(listener: Listener) -> None:
    """Hear no more."""
    if listener in _listeners:
        _listeners.remove(listener)


def expect(jobs: Mapping[str, int]) -> None:
    """Say how many jobs the parts of this run will do, by rule; for the workflow, in `onstart`."""
    for listener in list(_listeners):
        listener.parts_expected(jobs)


def publish(news: News) -> None:
    """Pass on what a part somewhere has done."""
    for listener in list(_listeners):
        listener.part_has_news(news)
