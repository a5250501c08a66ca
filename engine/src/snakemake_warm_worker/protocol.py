"""What the executor and its workers say to each other.

A frame is a pickled list of plain tuples whose first item is the kind of message; frames travel
over a socket of their own, so that nothing a script prints can get between them.
"""

from __future__ import annotations

from typing import NamedTuple

# Executor to worker.
CONFIG = "config"  # (CONFIG, config id, pickled config)
SCRIPT = "script"  # (SCRIPT, script id, Script)
JOB = "job"  # (JOB, task id, script id, config id, pickled job, benchmark repeats or None)

# Worker to executor.
READY = "ready"  # (READY,)
UNUSABLE = "unusable"  # (UNUSABLE, message): a module to preload cannot be imported
BEGUN = "begun"  # (BEGUN, task id)
NEWS = "news"  # (NEWS, task id, News): what a job that is a run of a part has done
DONE = "done"  # (DONE, task id, Outcome)
ENDING = "ending"  # (ENDING, task id, Outcome): the job is over once the process has ended


class Setup(NamedTuple):
    """First frame to a worker.

    ``search_paths`` are the directories a script finds modules in besides Python's own,
    ``preload`` the modules to import at once, ``max_jobs`` (0: any number) and ``max_rss_mb``
    (megabytes of resident memory) say when the worker has to make way for a fresh one.
    """

    search_paths: list[str]
    preload: list[str]
    max_jobs: int
    max_rss_mb: int


class Script(NamedTuple):
    """A script of a rule, as text and with the places that it is known by."""

    rule: str
    source: str
    file: str
    directory: str
    cache_directory: str


class Usage(NamedTuple):
    """What a job used, for its benchmark file: seconds, megabytes."""

    seconds: float
    cpu_seconds: float
    max_rss_mb: float
    max_vms_mb: float
    max_uss_mb: float
    max_pss_mb: float
    read_mb: float
    written_mb: float


class Outcome(NamedTuple):
    """How a job ended.

    ``error`` is one line, None for success; ``traceback`` the whole story, empty if there is
    none to tell. ``usages`` has an item per benchmark repeat.
    """

    seconds: float
    error: str | None = None
    traceback: str = ""
    usages: tuple[Usage, ...] = ()
