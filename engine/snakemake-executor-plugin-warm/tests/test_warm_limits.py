"""Cores, resources, priorities, renewal, and jobs that are not for a warm worker."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest
import workflows

CORES = 4

SNAKEFILE = """
def outputs(kind, count):
    return expand("out/{kind}.{i}.json", kind=kind, i=range(count))

rule all:
    input:
        outputs("single", 60), outputs("double", 8), outputs("all_cores", 3),
        outputs("license", 8), outputs("disk", 12), outputs("shell", 6),
        outputs("shell_double", 3), outputs("run", 2),

rule single:
    output: "out/single.{i}.json"
    script: "span.py"

rule double:
    output: "out/double.{i}.json"
    threads: 2
    script: "span.py"

rule all_cores:
    output: "out/all_cores.{i}.json"
    threads: 99
    script: "span.py"

rule license:
    output: "out/license.{i}.json"
    resources: license=1
    script: "span.py"

rule disk:
    output: "out/disk.{i}.json"
    resources: disk_mb=400
    script: "span.py"

rule shell:
    output: "out/shell.{i}.json"
    shell: "python span.py {output} {threads} {rule}"

rule shell_double:
    output: "out/shell_double.{i}.json"
    threads: 2
    shell: "python span.py {output} {threads} {rule}"

rule run:
    output: "out/run.{i}.json"
    run:
        import subprocess, sys
        subprocess.run([sys.executable, "span.py", output[0], str(threads), rule], check=True)
"""
SPAN = """
import json, os, sys, time
if "snakemake" in globals():
    output, threads, rule = snakemake.output[0], snakemake.threads, snakemake.rule
else:
    output, threads, rule = sys.argv[1], int(sys.argv[2]), sys.argv[3]
begin = time.time()
time.sleep(0.03)
with open(output, "w") as file:
    json.dump({
        "begin": begin, "end": time.time(), "threads": threads, "rule": rule,
        "pid": os.getpid(), "polars": os.environ.get("POLARS_MAX_THREADS"),
    }, file)
"""


needs_depth_first = pytest.mark.skipif(
    not workflows.DEPTH_FIRST, reason="the scheduler depth-first is a distribution of its own"
)


@pytest.fixture(
    scope="module", params=[pytest.param("depth-first", marks=needs_depth_first), "greedy"]
)
def spans(request, tmp_path_factory) -> list[dict]:
    directory = tmp_path_factory.mktemp("limits")
    workflows.write(directory, {"Snakefile": SNAKEFILE, "span.py": SPAN})
    options = ("--executor", "warm", "--scheduler", request.param)
    limits = ("--resources", "license=1", "disk_mb=1000")
    result = workflows.run(directory, *options, *limits, cores=CORES)
    assert result.status == 0, result.console
    return [json.loads(path.read_text()) for path in (directory / "out").glob("*.json")]


def largest_sum(spans: list[dict], weight) -> int:
    """The largest sum of weights of spans that overlap in time."""
    changes = sorted(
        (time, sign * weight(span))
        for span in spans
        for time, sign in ((span["begin"], 1), (span["end"], -1))
    )
    total = largest = 0
    for _, change in changes:
        total += change
        largest = max(largest, total)
    return largest


def test_cores_are_never_exceeded_by_jobs_of_any_kind(spans):
    assert len(spans) == 102
    assert largest_sum(spans, lambda span: span["threads"]) == CORES


def test_limited_resources_are_never_exceeded(spans):
    license_spans = [span for span in spans if span["rule"] == "license"]
    disk_spans = [span for span in spans if span["rule"] == "disk"]
    assert largest_sum(license_spans, lambda span: 1) == 1
    assert largest_sum(disk_spans, lambda span: 400) <= 800


def test_threads_are_capped_and_given_to_native_libraries(spans):
    for span in spans:
        expected = {"all_cores": CORES, "double": 2, "shell_double": 2}.get(span["rule"], 1)
        assert span["threads"] == expected
        if "shell" not in span["rule"] and span["rule"] != "run":
            assert span["polars"] == str(expected)


def test_scripts_share_few_processes_and_others_do_not(spans):
    processes = defaultdict(set)
    for span in spans:
        processes[span["rule"]].add(span["pid"])
    assert len(processes["single"]) <= CORES
    assert len(processes["double"]) <= CORES // 2
    assert len(processes["shell"]) == 6


CHAINS = {
    "Snakefile": """
        rule all:
            input: expand("out/third/{i}", i=range(6)), expand("out/urgent/{i}", i=range(3))
        rule first:
            output: "out/first/{i}"
            script: "note.py"
        rule second:
            input: "out/first/{i}"
            output: "out/second/{i}"
            script: "note.py"
        rule third:
            input: "out/second/{i}"
            output: "out/third/{i}"
            script: "note.py"
        rule urgent:
            output: "out/urgent/{i}"
            priority: 10
            script: "note.py"
        """,
    "note.py": """
        import time
        with open("order.txt", "a") as file:
            print(snakemake.rule, snakemake.wildcards.i, file=file)
        time.sleep(float(snakemake.config["seconds"]))
        open(snakemake.output[0], "w").close()
        """,
}


def order_of_jobs(directory: Path, seconds: float) -> list[tuple[str, int]]:
    workflows.write(directory, CHAINS)
    result = workflows.run(directory, *workflows.WARM, "--config", f"seconds={seconds}", cores=1)
    assert result.status == 0, result.console
    lines = (directory / "order.txt").read_text().splitlines()
    return [(rule, int(number)) for rule, number in map(str.split, lines)]


@needs_depth_first
def test_warm_workers_finish_chains_that_were_begun(tmp_path):
    # A core does not wait for the next step to be ready: it takes what waits, so that a second
    # chain is begun while the first step of the first is being recorded.
    order = order_of_jobs(tmp_path, 0.15)
    assert order[:3] == [("urgent", i) for i in range(3)]
    for i in range(3):
        assert order.index(("third", i)) < order.index(("first", i + 3))


def processes_of(directory: Path, *options: str) -> list[int]:
    files = {
        "Snakefile": """
            rule all:
                input: expand("{i}.txt", i=range(12))
            rule job:
                output: "{i}.txt"
                script: "job.py"
            """,
        "job.py": """
            import builtins, os, sys
            kept = getattr(os, "kept_for_a_test", [])
            kept.append(bytearray(b"x" * 30_000_000))
            os.kept_for_a_test = kept
            open(snakemake.output[0], "w").write(str(os.getpid()))
            """,
    }
    workflows.write(directory, files)
    result = workflows.run(directory, *workflows.WARM, *options, cores=1)
    assert result.status == 0, result.console
    return [int((directory / f"{i}.txt").read_text()) for i in range(12)]


def test_workers_are_renewed_after_jobs_or_memory(tmp_path):
    no_limit = processes_of(tmp_path / "none", "--warm-max-rss-mb", "0")
    assert len(set(no_limit)) == 1
    by_jobs = processes_of(tmp_path / "jobs", "--warm-max-jobs", "4", "--warm-max-rss-mb", "0")
    assert sorted(by_jobs.count(pid) for pid in set(by_jobs)) == [4, 4, 4]
    by_memory = processes_of(tmp_path / "memory", "--warm-max-rss-mb", "150")
    assert 3 <= len(set(by_memory)) <= 6


def test_what_libraries_keep_ends_no_worker(tmp_path, monkeypatch):
    """A pipe by which a library wakes itself, and an exception of its import with all frames above."""
    keeper = "try:\n    raise ValueError\nexcept ValueError as error:\n    kept = error\n"
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "keeper.py").write_text(keeper)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "library"))
    files = {
        "Snakefile": """
            rule all:
                input: expand("{i}.txt", i=range(4))
            rule job:
                output: "{i}.txt"
                script: "job.py"
            """,
        "job.py": """
            import os
            def main():
                def own():
                    return str(os.getpid())
                import keeper
                os.pipe()
                open(snakemake.output[0], "w").write(own())
            main()
            """,
    }
    workflows.write(tmp_path, files)
    result = workflows.run(tmp_path, *workflows.WARM, cores=1)
    assert result.status == 0, result.console
    assert len({(tmp_path / f"{i}.txt").read_text() for i in range(4)}) == 1, result.console


def test_other_kinds_of_jobs_take_the_stock_code_path(tmp_path):
    files = {
        "Snakefile": """
            import threading
            rule all:
                input: "warm", "excluded", "shadow", "remote", "piped", "bash",
                    "unpicklable", "shell_exec"
            rule warm:
                output: "warm"
                script: "job.py"
            rule excluded:
                output: "excluded"
                script: "job.py"
            rule shadow:
                output: "shadow"
                shadow: "minimal"
                script: "job.py"
            rule remote:
                output: "remote"
                script: "file://" + workflow.basedir + "/job.py"
            rule unpicklable:
                output: "unpicklable"
                params: lock=threading.Lock()
                script: "job.py"
            rule to_pipe:
                output: pipe("stream")
                script: "job.py"
            rule from_pipe:
                input: "stream"
                output: "piped"
                shell: "cat {input} > {output}"
            rule bash:
                output: "bash"
                script: "job.sh"
            rule shell_exec:
                output: "shell_exec"
                resources: shell_exec="sh"
                script: "job.py"
            """,
        "job.py": """
            import sys
            from pathlib import Path
            Path(snakemake.output[0]).write_text(Path(sys.argv[0]).name.partition(".")[0])
            """,
        "job.sh": 'echo -n tmp > "${snakemake_output[0]}"\n',
    }
    workflows.write(tmp_path, files)
    result = workflows.run(
        tmp_path, "--keep-going", *workflows.WARM, "--warm-exclude", "excluded", cores=3
    )
    assert "cannot pickle '_thread.lock' object" in result.console
    used = {
        path.name: path.read_text()[:4]
        for path in tmp_path.iterdir()
        if path.is_file() and "." not in path.name and path.name != "Snakefile"
    }
    own_process = {"excluded", "shadow", "piped", "bash"}
    assert {name for name, text in used.items() if text == "warm"} == {"warm", "remote"}
    assert own_process <= {name for name, text in used.items() if text[:3] == "tmp"}


def test_notebooks_take_the_stock_code_path(tmp_path):
    files = {
        "Snakefile": """
            rule all:
                input: "out.txt", "warm.txt"
            rule notebook:
                output: "out.txt"
                notebook: "job.py.ipynb"
            rule warm:
                output: "warm.txt"
                script: "job.py"
            """,
        "job.py": "open(snakemake.output[0], 'w').close()\n",
        "job.py.ipynb": json.dumps(
            {
                "cells": [
                    {
                        "cell_type": "code",
                        "execution_count": None,
                        "id": "a",
                        "metadata": {},
                        "outputs": [],
                        "source": "open(snakemake.output[0], 'w').close()",
                    }
                ],
                "metadata": {"language_info": {"name": "python"}},
                "nbformat": 4,
                "nbformat_minor": 5,
            }
        ),
    }
    workflows.write(tmp_path, files)
    result = workflows.run(tmp_path, "--keep-going", *workflows.WARM)
    # Jupyter need not be there: Snakemake's own code then says so.
    assert (tmp_path / "out.txt").exists() or "jupyter-nbconvert" in result.console
    assert (tmp_path / "warm.txt").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--warm-preload", "no_such_module"], "No module named 'no_such_module'"),
        (["--warm-max-jobs", "-1"], "--warm-max-jobs must not be negative"),
    ],
)
def test_wrong_options_get_a_clear_error(tmp_path, options, message):
    files = {
        "Snakefile": 'rule job:\n    output: "out.txt"\n    script: "job.py"\n',
        "job.py": "open(snakemake.output[0], 'w').close()\n",
    }
    workflows.write(tmp_path, files)
    result = workflows.run(tmp_path, *workflows.WARM, *options)
    assert result.status == 1
    assert message in result.console
    assert "Traceback" not in result.console
    assert not (tmp_path / "out.txt").exists()
