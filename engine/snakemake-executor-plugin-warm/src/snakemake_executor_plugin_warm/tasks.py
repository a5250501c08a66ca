"""Jobs that wait for cores, best first."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

Place = TypeVar("Place")


@dataclass(slots=True, eq=False)
class Task:
    """A job on its way through the executor.

    ``script_id`` is None for a job of the stock code path. Tasks with the smaller ``rank`` go
    first. ``is_prepared`` says that Snakemake has made the job's directories, removed its old
    output and marked the new as incomplete.
    """

    id: int
    info: SubmittedJobInfo
    threads: int
    script_id: int | None
    rank: tuple[int, int, int]
    is_prepared: bool = False
    data: bytes = b""

    @property
    def job(self) -> Any:
        return self.info.job

    @property
    def is_warm(self) -> bool:
        return self.script_id is not None

    @property
    def needs(self) -> tuple[bool, int]:
        """Tasks with the same needs can use the same places."""
        return (self.is_warm, self.threads)


@dataclass(slots=True)
class _Lane:
    """Waiting tasks with the same needs; ``passed_over`` counts worse tasks that went first."""

    heap: list[tuple[tuple[int, int, int], int, Task]] = field(default_factory=list)
    passed_over: int = 0


class WaitingTasks:
    """Tasks in the order of their ranks, as far as there is a place for them.

    A task that needs more cores than are free lets others pass, but only as many as there are
    cores: then the cores stay free until it fits. So wide jobs do not wait for ever.
    """

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._lanes: dict[tuple[bool, int], _Lane] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, task: Task) -> None:
        lane = self._lanes.setdefault(task.needs, _Lane())
        heapq.heappush(lane.heap, (task.rank, task.id, task))
        self._count += 1

    def take(self, place_for: Callable[[Task], Place | None]) -> tuple[Task, Place] | None:
        """The best task for which ``place_for(task)`` is not None, and that place."""
        lanes = [lane for lane in self._lanes.values() if lane.heap]
        blocked: list[_Lane] = []
        for lane in sorted(lanes, key=lambda lane: lane.heap[0][:2]) if len(lanes) > 1 else lanes:
            place = place_for(lane.heap[0][2])
            if place is not None:
                for other in blocked:
                    other.passed_over += 1
                lane.passed_over = 0
                self._count -= 1
                return heapq.heappop(lane.heap)[2], place
            if lane.passed_over >= self._cores:
                return None
            blocked.append(lane)
        return None

    def remove_all(self) -> list[Task]:
        tasks = [item[2] for lane in self._lanes.values() for item in lane.heap]
        self._lanes.clear()
        self._count = 0
        return tasks
