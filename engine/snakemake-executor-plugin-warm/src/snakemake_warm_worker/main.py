"""Start of a worker process: find the modules, import what is wanted, then work."""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import os
import pickle
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from snakemake_warm_worker import protocol
from snakemake_warm_worker.protocol import WorkerChannel

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Arguments: file descriptors of the connection and of the tickets, process id of the executor.

    Returns the exit status.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # between jobs, only the executor decides
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    channel, tickets = WorkerChannel(int(sys.argv[1])), int(sys.argv[2])
    for descriptor in (channel.fileno(), tickets):
        os.set_inheritable(descriptor, False)
    if not _die_with_the_executor(int(sys.argv[3])):
        return 1
    try:
        setup = pickle.loads(channel.receive())
    except EOFError:
        return 0
    sys.path.extend(setup.search_paths)
    search_paths = list(sys.path)
    try:
        from snakemake_warm_worker.worker import Worker

        # Importing Snakemake appends a directory, in a script as here.
        appended = sys.path[len(search_paths) :]
        for name in setup.preload:
            importlib.import_module(name)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        with suppress(OSError):  # another worker has said so already
            channel.send(pickle.dumps([(protocol.UNUSABLE, message)]))
        return 1
    sys.path[:] = search_paths
    worker = Worker(channel, tickets, setup, search_paths, appended)
    gc.collect()
    gc.freeze()  # what is there by now stays
    status = worker.run()
    if worker.is_as_it_was:
        _end_at_once(status)
    gc.unfreeze()  # what is still frozen at the end counts as leaked to extension modules
    return status


def _end_at_once(status: int) -> NoReturn:
    """End the process without taking it apart, which takes a second with large libraries.

    For a worker in which no job has left anything: libraries' own exit handlers are all that the end
    of the process would bring about.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _die_with_the_executor(process_id: int) -> bool:
    """Have this process killed when the executor dies; False if that has happened already.

    A worker that waits sees its connection close; this is for one that is busy.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == process_id
