"""What is relied on of Snakemake beyond its plugin interfaces: every name, and what for.

Looked at once when a run starts, so that a Snakemake without one of them is told by name and not by a
traceback in the middle of a run.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

from snakemake import __version__
from snakemake_interface_common.exceptions import WorkflowError


class Name(NamedTuple):
    """An attribute of a module or class of Snakemake, or of a part of its workflow object.

    Of a class it may be one that instances get when they are made.
    """

    owner: str
    name: str
    reason: str


_SCHEDULER = "snakemake.scheduling.job_scheduler:JobScheduler"
_JOB = "snakemake.jobs:Job"
_SHELL = "snakemake.shell:shell"

RELIED_ON = (
    Name(
        _SCHEDULER, "_user_kill", "to begin no further job after SIGTERM, and to say so in a part"
    ),
    Name(_SCHEDULER, "_lock", "the records of a started and of a finished job are written in turn"),
    Name(_SCHEDULER, "_open_jobs", "to wake the scheduler once for many jobs that are over"),
    Name(_SCHEDULER, "running", "to give back jobs that have not begun"),
    Name(_SCHEDULER, "failed", "what failed in a part"),
    Name(_SCHEDULER, "_executor", "the error lines of the jobs of a part"),
    Name(_SCHEDULER, "_free_resources", "to give back jobs of a selection, by the executor inline"),
    Name(_SCHEDULER, "error_callback", "to report a failed job with a message of our own"),
    Name(_SCHEDULER, "executor_error_callback", "to report that workers cannot start"),
    Name(_JOB, "prepare", "folders and old output before a job"),
    Name(_JOB, "postprocess", "no half output after an interrupt"),
    Name(_JOB, "log_error", "one line about a failed job"),
    Name(
        "snakemake.dag:DAG",
        "_ready_jobs",
        "to give back jobs of a selection, by the executor inline",
    ),
    Name("workflow.persistence", "cleanup", "to forget a job that was taken back"),
    Name(
        "snakemake.iocontainers:Namedlist",
        "_plainstrings",
        "the files that a script gets",
    ),
    Name("snakemake.iocontainers:Params", "_take_names", "the params that a script gets"),
    Name(
        "snakemake.iocontainers:Snakemake", "_safely_store_params", "the params that a script gets"
    ),
    Name(_SHELL, "_process_prefix", "a shell prefix of the workflow is meant for scripts, too"),
    Name(_SHELL, "_process_suffix", "a shell suffix of the workflow is meant for scripts, too"),
    Name(_SHELL, "_process_args", "put back after a script has chosen another shell"),
    Name("snakemake.shell", "STDOUT", "where the output of scripts goes"),
    Name("snakemake.common", "get_snakemake_searchpaths", "where scripts find modules"),
    Name("snakemake.sourcecache", "infer_source_file", "where the script of a rule is"),
    Name("snakemake.script", "get_source", "to read the script of a rule once in a part"),
    Name("snakemake.benchmark", "BenchmarkRecord", "a line of a benchmark file"),
    Name(
        "snakemake.benchmark", "write_benchmark_records", "benchmark files like those of Snakemake"
    ),
    Name("snakemake.api:WorkflowApi", "_workflow", "what became of a part"),
)


def check_snakemake(workflow: Any) -> None:
    """Raises WorkflowError with the names that this Snakemake does not have."""
    missing = [
        f"{owner} {name} ({reason})"
        for owner, name, reason in RELIED_ON
        if not _has(workflow, owner, name)
    ]
    if missing:
        raise WorkflowError(
            f"the executor warm does not know Snakemake {__version__}, which lacks "
            f"{'; '.join(missing)}. Use --executor local, or another version of one of them."
        )


def _has(workflow: Any, owner: str, name: str) -> bool:
    if owner.startswith("workflow."):
        return hasattr(getattr(workflow, owner.removeprefix("workflow."), None), name)
    module_name, _, class_name = owner.partition(":")
    try:
        place = importlib.import_module(module_name)
        kind = getattr(place, class_name) if class_name else place
    except (ImportError, AttributeError):
        return False
    if hasattr(kind, name):
        return True
    return any(
        name in code.co_names
        for base in getattr(kind, "__mro__", ())
        if (code := getattr(vars(base).get("__init__"), "__code__", None)) is not None
    )
