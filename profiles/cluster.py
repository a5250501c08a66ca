"""What the profiles of all schedulers share: the script of a job, and the record that is kept of it.

A record, the job's exit code and what it printed are in `.snakemake/cluster` of the folder in which
Snakemake runs, until the job has ended well. Python's own library only: the Python of a login node
may be any.
"""

import json
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

FOLDER = Path(".snakemake", "cluster")
SECONDS_TO_TRY = 900
SECONDS_BETWEEN = 5
SECONDS_FOR_AN_ANSWER = 60
# The steps of a job of many run in worker processes, which start once (engine/README.md).
WORKERS = "snakemake_executor_plugin_warm.settings"
IN_WORKERS = "--executor warm --warm-preload polars pyarrow.csv mf_etl.job mf_etl.settings.steps"


def run(*command, script=None):
    """A command that was carried out, with what it printed."""
    try:
        return subprocess.run(
            command,
            input=script,
            text=True,
            capture_output=True,
            timeout=SECONDS_FOR_AN_ANSWER,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"{command[0]} timed out\n")


def submit(path, submitted, number_variable):
    """Submit the job whose script of Snakemake's is `path`, print its number and write its record.

    `submitted(job, name, script)` submits a script and returns the number, which the job itself
    finds in a variable of its environment. `job` is what Snakemake says of it: threads, resources.
    """
    script = Path(path).read_text(encoding="utf-8")
    job = json.loads(re.search(r"^# properties = (.*)$", script, re.MULTILINE)[1])
    kind = job.get("rule") or job["groupid"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"mf_etl.{kind}.{uuid.uuid4().hex[:8]}"
    number = submitted(job, name, _batch_script(script, job, number_variable))
    record = {"job": kind, "minutes": job["resources"].get("runtime"), "output": job["output"]}
    _record_file(number).write_text(json.dumps(record), encoding="utf-8")
    print(number)


def asked_again(ask, is_taken):
    """What `ask()` printed once it succeeds: while the scheduler does not answer, it is asked again.

    `is_taken()` returns the number of a job that was taken although the answer was lost.
    """
    give_up = time.monotonic() + SECONDS_TO_TRY
    while True:
        done = ask()
        if done.returncode == 0:
            return done.stdout.strip()
        sys.stderr.write(done.stderr)
        does_not_answer = re.search("contact|timed out|connect|unavailable", done.stderr, re.I)
        if not does_not_answer or time.monotonic() > give_up:
            raise SystemExit("the scheduler has not taken the job")
        time.sleep(SECONDS_BETWEEN)
        if number := is_taken():
            return number


def exit_code(number):
    """What the script of a job has left at its end; none if it has not come to that."""
    try:
        return int((FOLDER / f"{number}.exit").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def success(number):
    """Print that a job has ended well, and remove what was kept of it."""
    for path in FOLDER.glob(f"{number}.*"):
        path.unlink()
    print("success")


def failed(number, why=""):
    """Print that a job has failed; `why` it was stopped, if it was, is noted for the account."""
    if why:
        path = _record_file(number)
        record = json.loads(path.read_text(encoding="utf-8"))
        record["stopped"] = (
            f"{record['job']}: cluster job {number} was {why.format(**record)}; "
            f"see {FOLDER}/{number}.log"
        )
        path.write_text(json.dumps(record), encoding="utf-8")
    print("failed")


def _record_file(number):
    return FOLDER / f"{number}.json"


def _batch_script(script, job, number_variable):
    lines = script.rstrip().splitlines()
    command = lines.pop()
    python = re.search(r"(\S+) -m snakemake ", command)
    if (
        job["type"] == "group"
        and python
        and run(python[1], "-c", f"import {WORKERS}").returncode == 0
    ):
        command = command.replace(python[0], f"{python[0]}{IN_WORKERS} ", 1)
    # Shells that end at once would leave processes behind that no scheduler without control groups
    # finds any more, and that hold what they have locked.
    stay = "trap : TERM"
    left = f"{FOLDER}/${number_variable}.exit"
    # A scheduler that was set up anew counts from 1 again.
    begin = f"rm -f {left}"
    end = f"code=$?\necho $code > {left}\nexit $code\n"
    return "\n".join([*lines, begin, stay, f"( {stay}; {command} )", end])
