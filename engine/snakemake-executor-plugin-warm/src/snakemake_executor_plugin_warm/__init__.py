"""Snakemake executor plugin `warm`: Python scripts in worker processes that start once."""

from snakemake_interface_executor_plugins.settings import CommonSettings

from snakemake_executor_plugin_warm.executor import Executor
from snakemake_executor_plugin_warm.settings import ExecutorSettings

__all__ = ["Executor", "ExecutorSettings", "common_settings"]

common_settings = CommonSettings(
    non_local_exec=False,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    pass_envvar_declarations_to_cmd=True,
    auto_deploy_default_storage_provider=False,
)
