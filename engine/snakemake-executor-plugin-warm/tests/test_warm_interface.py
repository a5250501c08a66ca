"""The checks that Snakemake and its plugin interfaces ship for executors."""

from __future__ import annotations

from snakemake.common.tests import TestWorkflowsLocalStorageBase
from snakemake_interface_common.plugin_registry.tests import TestRegistryBase
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

from snakemake_executor_plugin_warm import Executor, ExecutorSettings


class TestWorkflows(TestWorkflowsLocalStorageBase):
    """Snakemake's own small workflows."""

    __test__ = True

    def get_executor(self):
        return "warm"

    def get_executor_settings(self):
        return ExecutorSettings()


class TestRegistry(TestRegistryBase):
    """The plugin is found, and its options become its settings."""

    __test__ = True

    def get_registry(self):
        registry = ExecutorPluginRegistry()
        # The checks are about all plugins of a registry; other ones may be installed here.
        alone = object.__new__(type(registry))
        alone.plugins = {"warm": registry.plugins["warm"]}
        return alone

    def get_test_plugin_name(self):
        return "warm"

    def validate_plugin(self, plugin):
        assert plugin.executor is Executor
        assert plugin._executor_settings_cls is ExecutorSettings
        assert plugin.common_settings.local_exec

    def validate_settings(self, settings, plugin):
        assert isinstance(settings, ExecutorSettings)
        assert (settings.max_jobs, settings.preload, settings.grace_seconds) == (3, ["json"], 1.5)

    def get_example_args(self):
        return ["--warm-max-jobs", "3", "--warm-preload", "json", "--warm-grace-seconds", "1.5"]
