"""Snakemake executor plugin `inline`: Python scripts in the planning process, one after the other.

No message goes from process to process for a job, and none waits for another thread. For runs inside
a job (`snakemake_parts`), whose scripts leave a process as they find it.
"""

from snakemake_interface_executor_plugins.settings import CommonSettings

from snakemake_executor_plugin_inline.executor import Executor

__all__ = ["Executor", "common_settings"]

common_settings = CommonSettings(
    non_local_exec=False,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    pass_envvar_declarations_to_cmd=True,
    auto_deploy_default_storage_provider=False,
)
