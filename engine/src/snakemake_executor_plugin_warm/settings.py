"""The options of the executor, `--warm-...` on the command line.

Snakemake reads the types of the fields, so they must not be postponed to strings.
"""

import gc
from dataclasses import dataclass, field

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
    queue_ahead_seconds: float = field(
        default=0.1,
        metadata={
            "help": "Send a busy worker further jobs as long as it has less than this many "
            "seconds of work before it; 0: one job at a time.",
        },
    )
    collector_threshold: int = field(
        default=50_000,
        metadata={
            "help": "Let Python's cyclic garbage collector look at new objects of Snakemake's "
            "main process after this many, as its plan of jobs is no garbage; 0: Python's own "
            "threshold.",
        },
    )

    def __post_init__(self) -> None:
        for name in ("max_rss_mb", "max_jobs", "queue_ahead_seconds", "collector_threshold"):
            if getattr(self, name) < 0:
                option = f"--warm-{name.replace('_', '-')}"
                raise WorkflowError(f"{option} must not be negative, got {getattr(self, name)}")
        if self.collector_threshold:
            # Snakemake makes its plan after it has read the settings and before it makes the
            # executor: this is the place to be in time for it.
            gc.freeze()
            gc.set_threshold(self.collector_threshold)
