"""The plugin is found by Snakemake's registry."""

from __future__ import annotations

from snakemake_interface_common.plugin_registry.tests import TestRegistryBase
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from snakemake_logger_plugin_progress import LogHandler, LogHandlerSettings


class TestRegistry(TestRegistryBase):
    """The plugin is found, and its options become its settings."""

    __test__ = True

    def get_registry(self):
        registry = LoggerPluginRegistry()
        # The checks are about all plugins of a registry; other ones may be installed here.
        alone = object.__new__(type(registry))
        alone.plugins = {"progress": registry.plugins["progress"]}
        return alone

    def get_test_plugin_name(self):
        return "progress"

    def validate_plugin(self, plugin):
        assert plugin.log_handler is LogHandler

    def validate_settings(self, settings, plugin):
        assert settings == LogHandlerSettings(interval_seconds=7)

    def get_example_args(self):
        return ["--logger-progress-interval-seconds", "7"]
