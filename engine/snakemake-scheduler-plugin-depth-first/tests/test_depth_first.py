"""The scheduler alone: order, limits, cost."""

from __future__ import annotations

import logging
import sys

import pytest
from snakemake_interface_scheduler_plugins.tests import DummyDAG, DummyJob, TestSchedulerBase

from snakemake_scheduler_plugin_depth_first import Scheduler


class TestInterface(TestSchedulerBase):
    """The checks that the plugin interface ships."""

    __test__ = True

    def get_scheduler_cls(self):
        return Scheduler

    def get_scheduler_settings(self):
        return None


class Job(DummyJob):
    def __init__(self, name: str, cores: int = 1, priority: int = 0, **resources) -> None:
        super().__init__([], [name], {"_cores": cores, "_job_count": 1, **resources})
        self._priority = priority

    @property
    def priority(self) -> int:
        return self._priority

    def __repr__(self) -> str:
        return self.output[0]


class Dag(DummyDAG):
    def __init__(self, dependencies: dict) -> None:
        self._jobs = list(dependencies)
        self._dependencies = dependencies
        self._finished = set()


def scheduler(dependencies: dict) -> Scheduler:
    return Scheduler(Dag(dependencies), None, logging.getLogger("test"))


def select(jobs, plugin=None, **available) -> list[str]:
    plugin = plugin or scheduler({job: [] for job in jobs})
    resources = {"_cores": 4, "_nodes": sys.maxsize, "_job_count": sys.maxsize} | available
    return [repr(job) for job in plugin.select_jobs(set(jobs), jobs, resources, {})]


def test_deeper_jobs_go_first_then_by_name():
    a, b, c, d = (Job(name) for name in "abcd")
    plugin = scheduler({a: [], b: [], c: [a], d: [c, b]})
    assert select([b, a], plugin) == ["a", "b"]
    assert select([b, c], plugin) == ["c", "b"]
    assert select([a, b, c, d], plugin) == ["d", "c", "a", "b"]


def test_depth_is_that_of_the_longest_chain():
    a, b, c, d = (Job(name) for name in "abcd")
    plugin = scheduler({a: [], b: [a], c: [b], d: [a, c]})
    assert select([a, b, c, d], plugin) == ["d", "c", "b", "a"]


def test_priority_goes_before_depth():
    a, b, c = Job("a"), Job("b"), Job("c", priority=1)
    plugin = scheduler({a: [], b: [a], c: []})
    assert select([a, b, c], plugin, _cores=1) == ["c"]


def test_cores_and_resources_are_honoured():
    wide, narrow = Job("a", cores=3), Job("b", cores=2)
    assert select([wide, narrow, Job("c")]) == ["a", "c"]
    assert select([wide], _cores=2) == []
    assert select([Job("a", mem_mb=5), Job("b", mem_mb=5), Job("c")], mem_mb=9) == ["a", "c"]
    assert select([Job("a"), Job("b")], _cores=0) == []
    assert select([Job("a", gpu=1)], gpu=0) == []


def test_the_rate_limit_is_honoured():
    assert select([Job(name) for name in "abc"], _job_count=2) == ["a", "b"]


def test_jobs_that_appear_later_are_ranked():
    a, b = Job("a"), Job("b")
    plugin = scheduler({a: []})
    assert select([a], plugin) == ["a"]
    plugin.dag._dependencies[b] = [a]
    plugin.dag._jobs.append(b)
    assert select([a, b], plugin) == ["b", "a"]


def test_a_deep_chain_needs_no_recursion():
    jobs = [Job(f"{i:05}") for i in range(5_000)]
    plugin = scheduler({job: jobs[max(0, i - 1) : i] for i, job in enumerate(jobs)})
    assert select(jobs, plugin, _cores=2) == ["04999", "04998"]


class CoreLimitingExecutor:
    limits_cores = True


@pytest.mark.parametrize("resources", [{}, {"mem_mb": 50}])
def test_an_executor_that_limits_cores_gets_all_jobs(resources):
    jobs = [Job(f"{i:02}", mem_mb=10) for i in range(20)]
    plugin = scheduler({job: [] for job in jobs})

    class JobScheduler:
        def get_executor(self, job):
            return CoreLimitingExecutor()

    class Workflow:
        scheduler = JobScheduler()

    plugin.dag.workflow = Workflow()
    names = select(jobs, plugin, _cores=-100, **resources)
    assert names == [f"{i:02}" for i in range(5 if resources else 20)]
