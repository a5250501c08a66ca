"""Runs the real Snakemake on small workflows."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

DEPTH_FIRST = find_spec("snakemake_scheduler_plugin_depth_first") is not None
WARM = ("--executor", "warm", "--scheduler", "depth-first" if DEPTH_FIRST else "greedy")
LOCAL = ("--executor", "local", "--scheduler", "greedy")
NO_RATE_LIMIT = ("--max-jobs-per-timespan", "100000/1s")
SECONDS_TO_END = 120


@dataclass
class Result:
    """How a run of Snakemake ended."""

    status: int
    console: str


def write(directory: Path, files: dict[str, str]) -> Path:
    """Write a workflow's files, dedented."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return directory


def command(*options: str, cores: int = 2) -> list[str]:
    return [
        *(sys.executable, "-m", "snakemake", "--cores", str(cores)),
        *NO_RATE_LIMIT,
        *("--latency-wait", "0", "--nocolor"),
        *options,
    ]


def environment() -> dict[str, str]:
    """No thread limits or profiles of the caller."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.endswith(("_NUM_THREADS", "_MAX_THREADS")) and not name.startswith("SNAKEMAKE")
    }


def run(directory: Path, *options: str, cores: int = 2, seconds: float = SECONDS_TO_END) -> Result:
    done = subprocess.run(
        command(*options, cores=cores),
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
    )
    return Result(done.returncode, done.stdout)


def start(directory: Path, *options: str, cores: int = 2) -> subprocess.Popen:
    """Snakemake in a process group of its own; console output goes to `console.txt`."""
    with (directory / "console.txt").open("w") as console:
        return subprocess.Popen(
            command(*options, cores=cores),
            cwd=directory,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def workers(process_id: int) -> list[psutil.Process]:
    """The living worker processes of a running Snakemake."""
    found = []
    try:
        for child in psutil.Process(process_id).children():
            try:
                if any("snakemake_warm_worker" in word for word in child.cmdline()):
                    found.append(child)
            except psutil.Error:
                continue
    except psutil.NoSuchProcess:
        pass
    return found


def wait_for(condition, seconds: float = 60) -> None:
    """Wait until ``condition()`` is true; fails the test after a generous time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes
    )
