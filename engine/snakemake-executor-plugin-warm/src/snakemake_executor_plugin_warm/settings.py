"""The options of the executor, `--warm-...` on the command line.

Snakemake reads the types of the fields, so they must not be postponed to strings.
"""

from dataclasses import dataclass, field

import psutil
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import ExecutorSettingsBase

# A setting of several names: Snakemake's parser has them as a list already.
_NAMES = {"nargs": "+", "parse_func": list, "unparse_func": list}


@dataclass
class ExecutorSettings(ExecutorSettingsBase):
    preload: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Modules that each worker imports when it starts, such as polars.",
            "metavar": "MODULE",
            **_NAMES,
        },
    )
    exclude: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Rules whose scripts get a process of their own, as under the local executor: "
            "those that change settings inside a library and leave them changed.",
            "metavar": "RULE",
            **_NAMES,
        },
    )
    only: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Rules whose scripts run in workers; those of any other rule get a process of "
            "their own. Without it, all rules but the excluded ones.",
            "metavar": "RULE",
            **_NAMES,
        },
    )
    max_rss_mb: int = field(
        default=2000,
        metadata={
            "help": "Replace a worker that holds more than this many megabytes of memory after "
            "a job; 0: never.",
        },
    )
    max_jobs: int = field(
        default=0,
        metadata={"help": "Replace a worker after this many jobs; 0: never."},
    )
    max_idle_mb: int = field(
        default=0,
        metadata={
            "help": "End idle workers as long as they hold more than this many megabytes of memory "
            "together; 0: a quarter of the machine's memory.",
        },
    )
    grace_seconds: float = field(
        default=10.0,
        metadata={
            "help": "After Ctrl-C, the time that scripts have to clean up before they are killed; "
            "a second Ctrl-C kills them at once.",
        },
    )

    def __post_init__(self) -> None:
        for name in ("max_rss_mb", "max_jobs", "max_idle_mb", "grace_seconds"):
            if getattr(self, name) < 0:
                option = f"--warm-{name.replace('_', '-')}"
                raise WorkflowError(f"{option} must not be negative, got {getattr(self, name)}")

    def idle_mb(self) -> float:
        """How many megabytes idle workers may hold together."""
        return self.max_idle_mb or psutil.virtual_memory().total / 2**20 / 4
