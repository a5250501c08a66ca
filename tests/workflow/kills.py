"""Kills of the whole process tree at random moments of a build, and what the next run makes of it."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psutil

from mf_etl.synth import write_archive
from tests.workflow.conftest import PARTS, ROOT

TICKERS = 12
YEARS = 2
# Records of when runs were, the page of them, and aids that a run can do without.
OUTSIDE = {".cache", "run_history", "build.html"}


@dataclass
class Tree:
    """A copy of the workflow with a synthetic archive, and the bytes of an undisturbed build."""

    folder: Path
    clean: dict[str, bytes]
    seconds: float


def new_tree(folder: Path) -> Tree:
    """Build once without disturbance; the build's duration spans the moments to kill at."""
    folder.mkdir(parents=True)
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    write_archive(folder / "raw", tickers=TICKERS, years=YEARS, seed=7, processes=1)
    started_at = time.monotonic()
    process = start(folder)
    assert process.wait(timeout=300) == 0, (folder / "console.txt").read_text()
    return Tree(folder, files(folder), time.monotonic() - started_at)


def kill_and_restart(tree: Tree, seed: int) -> float:
    """Kill a build from nothing at a random moment, run again, and compare every byte.

    Returns the moment. The only step by hand is the one that Snakemake's message names: unlocking.
    """
    for name in ("data", "results", "logs", ".snakemake"):
        shutil.rmtree(tree.folder / name, ignore_errors=True)
    moment = random.Random(seed).uniform(0.0, tree.seconds)
    process = start(tree.folder)
    time.sleep(moment)
    kill_tree(process)
    assert not partial_files(tree.folder), partial_files(tree.folder)
    subprocess.run(
        [sys.executable, "-m", "snakemake", "--unlock"],
        cwd=tree.folder,
        env=environment(tree.folder),
        capture_output=True,
        timeout=120,
        check=True,
    )
    process = start(tree.folder)
    assert process.wait(timeout=300) == 0, (tree.folder / "console.txt").read_text()
    found = files(tree.folder)
    assert found.keys() == tree.clean.keys(), found.keys() ^ tree.clean.keys()
    other = [path for path, content in found.items() if content != tree.clean[path]]
    assert not other, f"after a kill at {moment:.2f} s (seed {seed}) other bytes: {other}"
    return moment


def start(folder: Path) -> subprocess.Popen:
    """A build of everything in a process group of its own."""
    with (folder / "console.txt").open("w") as console:
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2"],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def kill_tree(process: subprocess.Popen) -> None:
    """SIGKILL for a process and everything it has started, at once."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    process.wait()
    psutil.wait_procs(children, timeout=60)


def files(folder: Path) -> dict[str, bytes]:
    """Every file that a build makes, by its relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for root in ("data", "results")
        for path in sorted((folder / root).rglob("*"))
        if path.is_file() and not OUTSIDE & set(path.parts) and not path.name.startswith(".")
    }


def partial_files(folder: Path) -> list[str]:
    """Files under their own name that a reader could not open: there must be none."""
    broken = []
    for path in (folder / "data").rglob("*.parquet"):
        try:
            pl.read_parquet_schema(path)
        except Exception:
            broken.append(str(path))
    return broken


def environment(folder: Path) -> dict[str, str]:
    """Settings of the copy, and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MF_ETL_")}
    return kept | {"MF_ETL_PATHS__RAW_ROOT": "raw", "PYTHONPATH": str(folder)}
