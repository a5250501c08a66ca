"""What is left of a job besides its output: log, error line, benchmark file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snakemake.benchmark import BenchmarkRecord, write_benchmark_records
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_warm_worker.protocol import Usage

LOG_DIRECTORY = Path(".snakemake", "log", "warm")


def print_error(job: Any, error: str, traceback: str, workflow: Any) -> None:
    """Append the traceback to the job's log file and name the error on the console."""
    log = Path(str(job.log[0])) if job.log else LOG_DIRECTORY / _log_name(job)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(traceback or f"{error}\n")
    except OSError as failure:
        error = f"{error} (and its log could not be written: {failure})"
        logger.error(traceback)
    wildcards = ", ".join(f"{name}={value}" for name, value in job.wildcards_dict.items())
    if Quietness.RULES in (workflow.output_settings.quiet or ()):
        # Snakemake's console hides the error of a job in this mode.
        label = f"{job.rule.name} ({wildcards})" if wildcards else job.rule.name
        logger.error(
            f"Error in rule {label}: {error} (log: {log})",
            extra={"event": LogEvent.ERROR, "exception": error.partition(":")[0]},
        )
    aux_logs = [] if job.log else [str(log)]
    message = f"{error} ({wildcards})" if wildcards else error
    job.log_error(msg=message, aux_logs=aux_logs)


def write_benchmark(job: Any, usages: Sequence[Usage], is_extended: bool) -> str | None:
    """Write the job's benchmark file as Snakemake does; returns what went wrong, if so."""
    records = []
    for usage in usages:
        record = BenchmarkRecord(
            running_time=usage.seconds,
            max_rss=usage.max_rss_mb,
            max_vms=usage.max_vms_mb,
            max_uss=usage.max_uss_mb,
            max_pss=usage.max_pss_mb,
            io_in=usage.read_mb,
            io_out=usage.written_mb,
            cpu_usage=100 * usage.cpu_seconds,  # divided by the seconds it gives the mean load
            cpu_time=usage.cpu_seconds,
            input=job.input,
        )
        record.data_collected = True
        record.jobid = job.jobid
        record.rule_name = job.rule.name
        record.wildcards = job.wildcards
        record.params = job.params
        record.resources = job.resources
        record.threads = job.threads
        records.append(record)
    try:
        write_benchmark_records(records, str(job.benchmark), is_extended)
    except Exception as error:
        return f"benchmark file: {type(error).__name__}: {error}"
    return None


def _log_name(job: Any) -> str:
    return f"{job.rule.name}.{job.jobid}.log"
