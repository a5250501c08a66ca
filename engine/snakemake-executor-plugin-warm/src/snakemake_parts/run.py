"""`run_part`: a run of a part of a workflow, inside this process."""

from __future__ import annotations

import functools
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

from snakemake_parts import progress
from snakemake_parts.progress import FailedJob

_TRIGGERS = ("MTIME", "PARAMS", "INPUT", "SOFTWARE_ENV")
_NO_LOG_LEVEL = 100
# What is wrong with a job of which an executor knows no error.
_NO_OUTPUT = "it ended well, but not all of its output is there"


class PartError(Exception):
    """The part could not be planned or could not go on; the message is for the user."""


class PartStopped(Exception):
    """SIGTERM has stopped the part in good order: what had begun is finished, no more was begun."""


class Part(NamedTuple):
    """What became of a part: jobs done by rule and, of chains of jobs, the first that failed."""

    done: dict[str, int]
    failed: list[FailedJob]


def run_part(
    snakefile: Path,
    targets: Sequence[str],
    *,
    config: Mapping[str, Any],
    forced_rules: Sequence[str] = (),
    executor: Literal["warm", "inline"] = "warm",
    cores: int = 1,
    preload: Sequence[str] = (),
) -> Part:
    """Bring the files `targets` up to date by the workflow in `snakefile`, in the working directory.

    To be called by a script of a job of a run of the same workflow, which holds Snakemake's lock:
    this run takes none, so the caller sees to it that no two runs make the same files. `config` goes
    over the workflow's, `forced_rules` are done again. With the executor `inline`, scripts run in
    this very process: choose it for scripts that leave a process as they find it. `warm` gives them
    worker processes, which `preload` modules. A job that fails does not stop the others.

    Raises `PartStopped` after SIGTERM, `KeyboardInterrupt` after an interrupt, and `PartError`.
    """
    # Libraries keep exceptions of their imports, with the frames that led to them: of those, none may
    # know the workflow.
    import snakemake.api  # noqa: F401

    with _process_as_it_was(), _scripts_read_once():
        return _outcome(
            _workflow_at_its_end(snakefile, targets, config, forced_rules, executor, cores, preload)
        )


def _workflow_at_its_end(
    snakefile: Path,
    targets: Sequence[str],
    config: Mapping[str, Any],
    forced_rules: Sequence[str],
    executor: str,
    cores: int,
    preload: Sequence[str],
) -> Any:
    from snakemake.api import SnakemakeApi
    from snakemake.exceptions import RuleException, WorkflowError
    from snakemake.settings import types as settings

    workflow = None
    output = settings.OutputSettings(
        quiet={settings.Quietness.ALL},
        enable_file_logging=False,
        log_level_override=_NO_LOG_LEVEL,
    )
    try:
        with SnakemakeApi(output) as api:
            part = api.workflow(
                resource_settings=settings.ResourceSettings(cores=cores),
                config_settings=settings.ConfigSettings(config=dict(config)),
                snakefile=snakefile,
                workdir=Path.cwd(),
            )
            workflow = part._workflow
            part.dag(
                settings.DAGSettings(
                    targets=frozenset(targets),
                    forcerun=frozenset(forced_rules),
                    force_incomplete=True,
                    max_checksum_file_size=0,
                    rerun_triggers=frozenset(
                        getattr(settings.RerunTrigger, name) for name in _TRIGGERS
                    ),
                )
            ).execute_workflow(
                executor=executor,
                executor_settings=_executor_settings(executor, preload),
                execution_settings=settings.ExecutionSettings(
                    keep_going=True, latency_wait=5, lock=False
                ),
                scheduling_settings=settings.SchedulingSettings(
                    scheduler=_scheduler(), max_jobs_per_timespan=None
                ),
            )
    except (RuleException, WorkflowError) as error:
        # Failed jobs are told by the result; without any, the run itself could not be.
        if workflow is None or workflow.scheduler is None or not workflow.scheduler.failed:
            raise PartError(str(error) or type(error).__name__) from error
    finally:
        forget_runs()
    return workflow


def _outcome(workflow: Any) -> Part:
    dag, scheduler = workflow.dag, workflow.scheduler
    needed = [job for job in dag.jobs if dag.needrun(job) and not job.rule.norun]
    done = Counter(job.rule.name for job in needed if dag.finished(job))
    if scheduler is None:  # there was nothing to do
        return Part(dict(done), [])
    unfinished = [job for job in needed if not dag.finished(job)]
    if unfinished and scheduler._user_kill:
        raise PartStopped
    executor = scheduler._executor  # one of this package's: `run_part` sees to it
    if executor.is_cancelled:
        raise KeyboardInterrupt
    failed = [failed_job(job, executor.errors.get(job, _NO_OUTPUT)) for job in scheduler.failed]
    if workflow.executor_plugin.name != "inline":  # which has told all along
        progress.tell(progress.News(dict(done), failed))
    return Part(dict(done), failed)


def failed_job(job: Any, error: str) -> FailedJob:
    """What is known of a failed job, and the executor's line about it."""
    log = str(job.log[0]) if job.log else None
    return FailedJob(job.rule.name, dict(job.wildcards_dict), log, error)


def _scheduler() -> str:
    """Depth first, where that is installed: the file just written is still at hand."""
    is_there = find_spec("snakemake_scheduler_plugin_depth_first") is not None
    return "depth-first" if is_there else "greedy"


def _executor_settings(executor: str, preload: Sequence[str]) -> Any:
    if executor != "warm":
        return None
    from snakemake_executor_plugin_warm.settings import ExecutorSettings

    return ExecutorSettings(preload=list(preload))


@contextmanager
def _process_as_it_was() -> Iterator[None]:
    """Put back what a run of Snakemake leaves changed in its process."""
    import snakemake.workflow
    from snakemake.logging import logger

    path, handlers, level = list(sys.path), list(logger.handlers), logger.level
    # A workflow puts its names into this module, and copies those that are there: it would hold the
    # workflow before it, and that one the one before.
    names = vars(snakemake.workflow)
    names_before = dict(names)
    on_signal = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        for name in names.keys() - names_before.keys():
            del names[name]
        names.update(names_before)
        sys.path[:] = path
        logger.handlers[:] = handlers
        logger.setLevel(level)
        if on_signal is not None:
            signal.signal(signal.SIGTERM, on_signal)


@contextmanager
def _scripts_read_once() -> Iterator[None]:
    """Have Snakemake read the script of a rule once, which it does for each job of a plan."""
    import snakemake.script

    read = snakemake.script.get_source
    known: dict[Any, Any] = {}

    def get_source(
        path: Any, sourcecache: Any, basedir: Any = None, wildcards: Any = None, params: Any = None
    ) -> Any:
        key = (path, sourcecache, basedir)
        if "{" in str(path):
            return read(*key, wildcards, params)
        if key not in known:
            known[key] = read(*key, wildcards, params)
        return known[key]

    snakemake.script.get_source = get_source
    try:
        yield
    finally:
        snakemake.script.get_source = read


def forget_runs() -> None:
    """Let the workflows of earlier runs go: methods of Snakemake remember what they were asked.

    What they remember holds jobs and rules, and these their workflow.
    """
    for cache in _caches():
        cache.cache_clear()


@functools.cache
def _caches() -> list[Any]:
    """The memories of functions and methods in Snakemake's modules."""
    modules = [mod for name, mod in sys.modules.items() if name.partition(".")[0] == "snakemake"]
    places: dict[int, Mapping[str, Any]] = {id(vars(mod)): vars(mod) for mod in modules}
    for names in list(places.values()):
        places |= {id(vars(c)): vars(c) for c in names.values() if isinstance(c, type)}
    kind = type(_caches)
    values = {
        id(value): value
        for names in places.values()
        for value in map(_behind_property, list(names.values()))
    }
    return [
        value
        for value in values.values()
        if isinstance(value, kind) and value.__module__.startswith("snakemake.")
    ]


def _behind_property(value: Any) -> Any:
    return value.fget if isinstance(value, property) else value
