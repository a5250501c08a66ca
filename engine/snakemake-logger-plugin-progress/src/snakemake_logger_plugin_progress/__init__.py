"""Snakemake logger plugin: progress bars on a terminal, plain progress lines elsewhere.

Snakemake imports every installed plugin at each start, also for the one-job processes that it
spawns, so this package imports rich only when a run on a terminal begins.
"""

from snakemake_logger_plugin_progress.handler import LogHandler
from snakemake_logger_plugin_progress.settings import LogHandlerSettings

__all__ = ["LogHandler", "LogHandlerSettings"]
