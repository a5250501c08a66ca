"""What is left of a job besides its output: log, error line, benchmark file."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snakemake.benchmark import BenchmarkRecord, write_benchmark_records
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_warm_worker.protocol import Usage

LOG_DIRECTORY = Path(".snakemake", "log", "warm")
# A `log:` of such a name is for programs to read, whatever it holds so far.
_NO_TEXT = frozenset(
    ".bz2 .csv .db .gz .h5 .hdf5 .html .ipynb .jpg .json .jsonl .npy .npz .parquet .pdf .pickle .pkl "
    ".png .rds .sqlite .svg .tsv .xml .xz .yaml .yml .zip .zst".split()
)
_BYTES_LOOKED_AT = 65_536


class Reports:
    """Error lines, logs and benchmark files of the jobs of a run."""

    def __init__(self, workflow: Any) -> None:
        output = workflow.output_settings
        self._is_terse = Quietness.RULES in (output.quiet or ())
        self._is_verbose = output.verbose
        self._benchmarks_are_extended = output.benchmark_extended
        # A folder a run: the logs of earlier ones stay as they are.
        self._directory = LOG_DIRECTORY / f"{time.strftime('%Y-%m-%dT%H%M%S')}.{os.getpid()}"

    def print_error(self, job: Any, error: str, traceback: str) -> None:
        """Append the traceback to the job's log, if that is a text, and name the error on the console.

        Where there is no such log the traceback gets a file of its own. `--verbose` shows it on the
        console, `--show-failed-logs` the whole log.
        """
        own_log = Path(str(job.log[0])) if job.log else None
        is_own = own_log is not None and _is_text(own_log)
        log = (
            own_log if is_own and own_log else self._directory / f"{job.rule.name}.{job.jobid}.log"
        )
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(traceback or f"{error}\n")
        except OSError as failure:
            error = f"{error} (and its log could not be written: {failure})"
            logger.error(traceback)
        else:
            if self._is_verbose and traceback:
                logger.error(traceback)
        wildcards = ", ".join(f"{name}={value}" for name, value in job.wildcards_dict.items())
        if self._is_terse:
            # Snakemake's console hides the error of a job in this mode.
            label = f"{job.rule.name} ({wildcards})" if wildcards else job.rule.name
            logger.error(
                f"Error in rule {label}: {error} (log: {log})",
                extra={"event": LogEvent.ERROR, "exception": error.partition(":")[0]},
            )
        message = f"{error} ({wildcards})" if wildcards else error
        job.log_error(msg=message, aux_logs=[] if is_own else [str(log)])

    def write_benchmark(self, job: Any, usages: Sequence[Usage]) -> str | None:
        """Write the job's benchmark file as Snakemake does; returns what went wrong, if so."""
        records = [_benchmark_record(job, usage) for usage in usages]
        try:
            write_benchmark_records(records, str(job.benchmark), self._benchmarks_are_extended)
        except Exception as error:
            return f"benchmark file: {type(error).__name__}: {error}"
        return None


def _benchmark_record(job: Any, usage: Usage) -> BenchmarkRecord:
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
    return record


def _is_text(path: Path) -> bool:
    """Whether a traceback does no harm there: by its name, and by what it holds already."""
    if path.suffix.lower() in _NO_TEXT:
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_BYTES_LOOKED_AT)
    except FileNotFoundError:
        return True
    except OSError:
        return False  # a directory, or not to be read
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end >= len(start) - 3 and len(start) == _BYTES_LOOKED_AT and b"\0" not in start
    return b"\0" not in start
