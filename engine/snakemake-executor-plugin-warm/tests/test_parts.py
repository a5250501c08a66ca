"""Jobs that are runs of parts of their own workflow, in warm workers and under stock Snakemake."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from workflows import LOCAL, WARM, command, environment, run, start, wait_for, write

ITEMS = 10
FILES = {
    "Snakefile": """
        SLOTS = range(int(config.get("slots", 4)))

        rule all:
            input: expand("slots/{slot}.json", slot=SLOTS)

        rule slot:
            output: "slots/{slot}.json"
            retries: 1
            params: executor=config.get("executor", "inline")
            script: "slot.py"

        rule first:
            output: "first/{item}.txt"
            log: "logs/first/{item}.log"
            params: work=config.get("work", "")
            script: "item.py"

        rule second:
            input: "first/{item}.txt"
            output: "second/{item}.txt"
            log: "logs/second/{item}.log"
            script: "item.py"

        onstart:
            from snakemake_parts import progress
            progress.expect({"first": 10 * len(SLOTS), "second": 10 * len(SLOTS)})
    """,
    "slot.py": """
        import json, os
        from pathlib import Path
        from snakemake_parts import PartStopped, run_part

        slot = int(snakemake.wildcards.slot)
        targets = [f"second/{slot}-{item}.txt" for item in range(10)]
        before = Path("before.py")
        if before.exists():
            exec(before.read_text())
        try:
            part = run_part(
                Path("Snakefile"), targets, config=snakemake.config,
                executor=snakemake.params.executor,
            )
        except PartStopped:
            raise SystemExit("stopped")
        after = Path("after.py")
        told = {}
        if after.exists():
            exec(after.read_text())
        failed = [[job.rule, job.wildcards["item"], job.error] for job in part.failed]
        Path(snakemake.output[0]).write_text(
            json.dumps({"pid": os.getpid(), "done": part.done, "failed": sorted(failed), **told})
        )
    """,
    "item.py": """
        import os, sys, time
        from pathlib import Path

        hook = Path("hook.py")
        if hook.exists():
            exec(hook.read_text())
        with open("ran.txt", "a") as ran:
            ran.write(f"{snakemake.rule} {snakemake.wildcards.item}\\n")
        Path(snakemake.output[0]).write_text(f"{snakemake.rule} {snakemake.wildcards.item}")
    """,
}


@pytest.fixture
def workflow(tmp_path) -> Path:
    return write(tmp_path, FILES)


def told(directory: Path) -> dict[int, dict]:
    """What each part has told, by slot."""
    return {int(p.stem): json.loads(p.read_text()) for p in directory.glob("slots/*.json")}


def contents(directory: Path) -> dict[str, str]:
    found = [*directory.glob("first/*.txt"), *directory.glob("second/*.txt")]
    return {str(path.relative_to(directory)): path.read_text() for path in found}


def runs(directory: Path) -> list[str]:
    return (directory / "ran.txt").read_text().splitlines()


def assert_whole(directory: Path, slots: int = 4) -> None:
    names = [f"{slot}-{item}" for slot in range(slots) for item in range(ITEMS)]
    expected = {f"{rule}/{x}.txt": f"{rule} {x}" for rule in ("first", "second") for x in names}
    assert contents(directory) == expected


@pytest.mark.parametrize(
    ("options", "executor"), [(WARM, "inline"), (WARM, "warm"), (LOCAL, "inline")]
)
def test_parts_make_what_one_plan_makes(workflow, options, executor):
    result = run(workflow, *options, "--config", f"executor={executor}", "slots=2")
    assert result.status == 0, result.console
    assert_whole(workflow, 2)
    assert all(part["done"] == {"first": 10, "second": 10} for part in told(workflow).values())
    names = [f"second/{slot}-{item}.txt" for slot in range(2) for item in range(ITEMS)]
    again = run(workflow, *options, "--", *names)
    assert "Nothing to be done" in again.console


def test_workers_stay_over_twenty_parts_and_their_memory_is_bounded(workflow):
    after = """
        import gc, psutil
        from snakemake.workflow import Workflow
        told["mb"] = psutil.Process().memory_info().rss / 2**20
        gc.collect()
        told["workflows"] = sum(type(object_) is Workflow for object_ in gc.get_objects())
    """
    write(workflow, {"after.py": after})
    result = run(workflow, *WARM, "--config", "slots=20")
    assert result.status == 0, result.console
    parts = sorted(told(workflow).values(), key=lambda part: part["mb"])
    by_worker: dict[int, list[float]] = {}
    for part in parts:
        by_worker.setdefault(part["pid"], []).append(part["mb"])
    assert len(by_worker) <= 2, "a worker has been replaced"
    # One that stayed alive would be looked at by each collection of garbage that follows.
    assert {part["workflows"] for part in parts} == {0}
    assert all(held[-1] - held[len(held) // 2] < 10 for held in by_worker.values()), by_worker


def test_a_part_leaves_its_process_as_it_was(workflow):
    look = """
        import logging, signal, sys, threading
        from snakemake.logging import logger
        def state():
            return {
                "handler": str(signal.getsignal(signal.SIGTERM)),
                "level": logger.level,
                "handlers": len(logger.handlers),
                "path": list(sys.path),
                "directory": os.getcwd(),
                "environment": dict(os.environ),
                "threads": threading.active_count(),
                "files": len(os.listdir("/proc/self/fd")),
            }
    """
    twice = (
        'for _ in range(2): run_part(Path("Snakefile"), targets, config={}, executor="inline")\n'
    )
    write(workflow, {"before.py": look})
    with (workflow / "before.py").open("a") as file:
        file.write(f"{twice}found = state()\n")
    look = "told['found'], told['left'] = found, state()"
    # Snakemake's unlocking would delete the locks of the whole, too.
    write(workflow, {"after.py": f"{look}; told['locks'] = len(os.listdir('.snakemake/locks'))"})
    result = run(workflow, *WARM, "--config", "slots=1")
    assert result.status == 0, result.console
    part = told(workflow)[0]
    assert part["left"] == part["found"]
    assert part["locks"] == 2


@pytest.mark.skipif(
    find_spec("snakemake_logger_plugin_progress") is None, reason="a distribution of its own"
)
def test_a_job_that_fails_in_a_part_is_told_and_the_others_are_made(workflow):
    write(workflow, {"hook.py": 'if snakemake.wildcards.item == "1-3": raise ValueError("odd")'})
    result = run(workflow, *WARM, "--logger", "progress", "--config", "slots=2")
    assert result.status == 0, result.console
    assert told(workflow)[1]["failed"] == [["first", "1-3", "ValueError: odd"]]
    assert len(contents(workflow)) == 2 * 2 * ITEMS - 2
    # Jobs of parts count as jobs of the whole; the one below the failed one is not run.
    assert "41 of 43 jobs done" in result.console
    assert re.search(r"^  first +19 of 20$", result.console, re.MULTILINE)
    assert "FAILED first item=1-3: ValueError: odd (log: logs/first/1-3.log)" in result.console
    assert "Traceback" in (workflow / "logs/first/1-3.log").read_text()
    (workflow / "hook.py").unlink()
    assert run(workflow, *WARM, "--config", "slots=2", "--forcerun", "slot").status == 0
    assert_whole(workflow, 2)
    assert len(runs(workflow)) == 2 * 2 * ITEMS


def test_a_part_whose_process_dies_is_taken_up_again(workflow):
    hook = """
        if snakemake.wildcards.item == "1-7" and not os.path.exists("killed.txt"):
            open("killed.txt", "w").close()
            os.kill(os.getpid(), 9)
        time.sleep(0.1)
    """
    write(workflow, {"hook.py": hook})
    result = run(workflow, *WARM, "--keep-going", "--config", "slots=2")
    assert result.status == 0, result.console
    assert_whole(workflow, 2)
    # What was done more than a report before the kill is not done again.
    assert len(runs(workflow)) <= 2 * 2 * ITEMS + 6


def test_sigterm_to_the_main_process_alone_ends_all_in_good_order(workflow):
    write(workflow, {"hook.py": "time.sleep(0.05)"})
    process = start(workflow, *WARM, "--config", "slots=20")
    wait_for(lambda: len(contents(workflow)) > 10)
    children = psutil.Process(process.pid).children(recursive=True)
    sent = time.monotonic()
    process.terminate()
    assert process.wait(timeout=30) == 1
    assert time.monotonic() - sent < 10
    assert not psutil.wait_procs(children, timeout=5)[1]
    assert not (workflow / ".snakemake/incomplete").exists() or not [
        p for p in (workflow / ".snakemake/incomplete").rglob("*") if p.is_file()
    ]
    before = len(runs(workflow))
    assert run(workflow, *WARM, "--config", "slots=20").status == 0
    assert_whole(workflow, 20)
    assert len(runs(workflow)) == 2 * 20 * ITEMS
    assert before < 2 * 20 * ITEMS


@pytest.mark.parametrize("to", ["all", "main"])
def test_an_interrupt_loses_nothing_that_is_done(workflow, to):
    write(workflow, {"hook.py": "time.sleep(0.02)"})
    process = start(workflow, *WARM, "--config", "slots=20")
    wait_for(lambda: len(contents(workflow)) > 100)
    children = psutil.Process(process.pid).children(recursive=True)
    if to == "all":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    assert not psutil.wait_procs(children, timeout=5)[1]
    done = len(runs(workflow))
    assert run(workflow, *WARM, "--config", "slots=20").status == 0
    assert_whole(workflow, 20)
    # At most the job that each of two workers was at is done again.
    assert len(runs(workflow)) <= 2 * 20 * ITEMS + 2, done


def test_what_a_killed_run_left_half_done_is_no_obstacle(workflow):
    write(workflow, {"hook.py": 'if snakemake.wildcards.item == "1-3": time.sleep(60)'})
    process = start(workflow, *WARM, "--config", "slots=2")
    wait_for(lambda: (workflow / "first/1-2.txt").exists())
    time.sleep(1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (workflow / "first").mkdir(exist_ok=True)
    (workflow / "first/1-3.txt").write_text("half")
    (workflow / "hook.py").unlink()
    unlock = command("--unlock")
    subprocess.run(unlock, cwd=workflow, env=environment(), capture_output=True, check=True)
    result = run(workflow, *WARM, "--rerun-incomplete", "--config", "slots=2")
    assert result.status == 0, result.console
    assert_whole(workflow, 2)


def test_a_part_that_cannot_be_planned_fails_with_one_line(workflow):
    write(workflow, {"before.py": 'targets = ["nothing.txt"]'})
    result = run(workflow, *WARM, "--config", "slots=1")
    assert result.status == 1, result.console
    assert "PartError" in result.console and "nothing.txt" in result.console


def test_forced_rules_of_a_part_and_the_default_of_a_process_of_its_own(workflow):
    script = workflow / "slot.py"
    text = script.read_text().replace("executor=snakemake.params.executor,", "")
    script.write_text(text.replace("config=snakemake", 'forced_rules=["second"], config=snakemake'))
    write(workflow, {"after.py": "told['ran'] = [p.read_text() for p in Path().glob('pid-*')]"})
    write(workflow, {"hook.py": 'open(f"pid-{os.getpid()}", "w").write(str(os.getpid()))'})
    assert run(workflow, *WARM, "--config", "slots=1").status == 0
    part = told(workflow)[0]
    assert part["ran"] and str(part["pid"]) not in part["ran"]
    assert run(workflow, *WARM, "--config", "slots=1", "--forcerun", "slot").status == 0
    assert told(workflow)[0]["done"] == {"second": 10}
