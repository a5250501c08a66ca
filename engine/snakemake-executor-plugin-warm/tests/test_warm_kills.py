"""Killed workers and interrupted runs: no other job is harmed, nothing is left behind."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from pathlib import Path

import psutil
import pytest
import workflows

MANY = """
rule all:
    input: expand("out/{i}.txt", i=range(500))
rule job:
    output: "out/{i}.txt"
    log: "logs/{i}.log"
    script: "job.py"
"""
JOB = """
import os, time
open(f"pids/{os.getpid()}", "w").close()
with open(snakemake.output[0], "w") as file:
    file.write("begun")
    file.flush()
    time.sleep(0.02)
    file.seek(0)
    file.write("done ")
    file.write(snakemake.wildcards.i)
"""
SEED = 20240229
KILLS = 50


def kill_workers_at_random(process, directory: Path) -> int:
    """Kill a random worker that runs jobs, again and again; returns the number of kills."""
    choose = random.Random(SEED)
    kills = 0
    while process.poll() is None and kills < KILLS:
        time.sleep(choose.uniform(0.0, 0.12))
        started = {path.name for path in (directory / "pids").iterdir()}
        living = sorted(
            (worker for worker in workflows.workers(process.pid) if str(worker.pid) in started),
            key=lambda worker: worker.pid,
        )
        if living:
            try:
                choose.choice(living).kill()
                kills += 1
            except psutil.NoSuchProcess:
                continue
    return kills


# All kills may meet the same job: the one that is tried again is the only one to run while further
# workers start.
@pytest.mark.parametrize("retries", [0, KILLS])
def test_killed_workers_fail_only_the_job_that_they_ran(tmp_path, retries):
    workflows.write(tmp_path, {"Snakefile": MANY, "job.py": JOB})
    (tmp_path / "pids").mkdir()
    process = workflows.start(
        tmp_path, "--keep-going", "--retries", str(retries), *workflows.WARM, cores=4
    )
    kills = kill_workers_at_random(process, tmp_path)
    assert process.wait(workflows.SECONDS_TO_END) == (0 if retries else 1)
    console = (tmp_path / "console.txt").read_text()
    blamed = re.findall(r"Error in rule job:\n +message: (.*) \(i=(\d+)\)", console)
    assert kills == KILLS
    assert 0 < len(blamed) <= kills
    assert {message for message, _ in blamed} == {"killed by SIGKILL"}
    failed = set() if retries else {number for _, number in blamed}
    made = {path.stem: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert made == {str(i): f"done {i}" for i in range(500) if str(i) not in failed}


SLOW = """
rule all:
    input: expand("out/{i}.txt", i=range(12))
rule job:
    output: "out/{i}.txt"
    script: "slow.py"
"""
# Busy in native code, deaf to signals that Python would handle.
NATIVE = """
import hashlib, os
open(snakemake.output[0], "w").write("half")
open(f"begun.{snakemake.wildcards.i}", "w").write(str(os.getpid()))
if not os.path.exists("quick"):
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 400_000_000)
open(snakemake.output[0], "w").write("whole")
"""
SLEEPY = """
import os, time
open(snakemake.output[0], "w").write("half")
open(f"begun.{snakemake.wildcards.i}", "w").write(str(os.getpid()))
try:
    if not os.path.exists("quick"):
        time.sleep(1.5)
finally:
    open(f"cleaned.{snakemake.wildcards.i}", "w")
open(snakemake.output[0], "w").write("whole")
"""


class Interrupted:
    """A run of slow jobs that gets a signal when two of its jobs are under way."""

    def __init__(
        self,
        directory: Path,
        script: str,
        number: int,
        whole_group: bool,
        workers_first: bool = False,
    ) -> None:
        self.directory = workflows.write(directory, {"Snakefile": SLOW, "slow.py": script})
        process = workflows.start(directory, "--keep-going", *workflows.WARM)
        try:
            workflows.wait_for(lambda: len(list(directory.glob("begun.*"))) >= 2)
            self.processes = psutil.Process(process.pid).children(recursive=True)
            if workers_first:
                for worker in workflows.workers(process.pid):
                    worker.send_signal(number)
                time.sleep(0.05)
            (os.killpg if whole_group else os.kill)(process.pid, number)
            self.status = process.wait(60)
        finally:
            process.kill()
        self.begun = {path.suffix[1:] for path in directory.glob("begun.*")}
        self.outputs = {
            path.stem: path.read_text() for path in sorted((directory / "out").glob("*"))
        }

    def goes_on(self, *options: str) -> bool:
        """Whether the next run finds a sound state and builds the rest."""
        (self.directory / "quick").touch()
        result = workflows.run(self.directory, *workflows.WARM, *options)
        made = {path.read_text() for path in (self.directory / "out").glob("*")}
        return result.status == 0 and made == {"whole"}


@pytest.mark.parametrize("whole_group", [True, False], ids=["terminal", "main process"])
def test_ctrl_c_leaves_no_process_and_no_half_output(tmp_path, whole_group):
    run = Interrupted(tmp_path, SLEEPY, signal.SIGINT, whole_group)
    assert run.status != 0
    workflows.wait_for(lambda: workflows.all_gone(run.processes))
    assert run.outputs == {}
    # Scripts had the chance to clean up.
    assert {path.suffix[1:] for path in tmp_path.glob("cleaned.*")} == run.begun
    assert run.goes_on()


def test_ctrl_c_ends_workers_that_are_busy_in_native_code(tmp_path):
    run = Interrupted(tmp_path, NATIVE, signal.SIGINT, True)
    workflows.wait_for(lambda: workflows.all_gone(run.processes))
    assert run.outputs == {}
    assert run.goes_on()


def test_sigterm_lets_running_jobs_finish_and_starts_no_other(tmp_path):
    run = Interrupted(tmp_path, SLEEPY, signal.SIGTERM, False)
    workflows.wait_for(lambda: workflows.all_gone(run.processes))
    assert run.status != 0
    assert run.outputs == dict.fromkeys(sorted(run.begun), "whole")
    assert len(run.begun) == 2
    assert run.goes_on()


def test_sigterm_to_all_processes_leaves_no_half_output(tmp_path):
    """Nor is a job begun in the moment before the main process hears of it, too."""
    run = Interrupted(tmp_path, SLEEPY, signal.SIGTERM, False, workers_first=True)
    workflows.wait_for(lambda: workflows.all_gone(run.processes))
    assert run.outputs == {}
    assert run.goes_on()


def test_workers_die_with_a_killed_main_process(tmp_path):
    run = Interrupted(tmp_path, NATIVE, signal.SIGKILL, False)
    workflows.wait_for(lambda: workflows.all_gone(run.processes))
    workflows.run(tmp_path, "--unlock")
    assert run.goes_on("--rerun-incomplete")


def test_without_keep_going_the_first_error_stops_what_has_not_begun(tmp_path):
    files = {
        "Snakefile": """
            rule all:
                input: expand("out/{i}.txt", i=range(40))
            rule job:
                output: "out/{i}.txt"
                script: "job.py"
            """,
        "job.py": """
            import time
            open(f"begun.{snakemake.wildcards.i}", "w")
            time.sleep(0.3)
            if snakemake.config["fails"]:
                raise ValueError
            open(snakemake.output[0], "w").write("new")
            """,
    }
    workflows.write(tmp_path, files)
    (tmp_path / "out").mkdir()
    for i in range(40):
        (tmp_path / "out" / f"{i}.txt").write_text("old")
    options = (*workflows.WARM, "--rerun-triggers", "mtime", "--config")
    result = workflows.run(tmp_path, "--forcerun", "job", *options, "fails=1")
    assert result.status == 1
    begun = {path.suffix[1:] for path in tmp_path.glob("begun.*")}
    assert 2 <= len(begun) <= 4
    left = {path.stem for path in (tmp_path / "out").iterdir()}
    # Old output of jobs that have not begun stays, and is not taken for incomplete.
    assert left == {str(i) for i in range(40)} - begun
    assert workflows.run(tmp_path, *options, "fails=").status == 0
