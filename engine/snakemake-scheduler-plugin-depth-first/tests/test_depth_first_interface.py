"""The plugin is found by Snakemake's registry, and serves the local executor in strict order."""

from __future__ import annotations

import subprocess
import sys

from snakemake_interface_common.plugin_registry.tests import TestRegistryBase
from snakemake_interface_scheduler_plugins.registry import SchedulerPluginRegistry

from snakemake_scheduler_plugin_depth_first import Scheduler, SchedulerSettings


class TestRegistry(TestRegistryBase):
    __test__ = True

    def get_registry(self):
        registry = SchedulerPluginRegistry()
        # The checks are about all plugins of a registry; other ones may be installed here.
        alone = object.__new__(type(registry))
        alone.plugins = {"depth-first": registry.plugins["depth-first"]}
        return alone

    def get_test_plugin_name(self):
        return "depth-first"

    def validate_plugin(self, plugin):
        assert plugin.scheduler is Scheduler

    def validate_settings(self, settings, plugin):
        assert settings == SchedulerSettings(no_rate_limit=True)

    def get_example_args(self):
        return ["--scheduler-depth-first-no-rate-limit"]


CHAINS = """
rule all:
    input: expand("out/third/{i}", i=range(4)), expand("out/urgent/{i}", i=range(2))
rule first:
    output: "out/first/{i}"
    shell: "echo first {wildcards.i} >> order.txt; touch {output}"
rule second:
    input: "out/first/{i}"
    output: "out/second/{i}"
    shell: "echo second {wildcards.i} >> order.txt; touch {output}"
rule third:
    input: "out/second/{i}"
    output: "out/third/{i}"
    shell: "echo third {wildcards.i} >> order.txt; touch {output}"
rule urgent:
    output: "out/urgent/{i}"
    priority: 10
    shell: "echo urgent {wildcards.i} >> order.txt; touch {output}"
"""


def test_the_local_executor_gets_jobs_in_strict_order(tmp_path):
    (tmp_path / "Snakefile").write_text(CHAINS)
    start = [sys.executable, "-m", "snakemake", "--cores", "1", "--executor", "local"]
    options = ["--scheduler", "depth-first", "--scheduler-depth-first-no-rate-limit"]
    done = subprocess.run([*start, *options], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    chains = [f"{rule} {i}" for i in range(4) for rule in ("first", "second", "third")]
    order = (tmp_path / "order.txt").read_text().splitlines()
    assert order == ["urgent 0", "urgent 1", *chains]
