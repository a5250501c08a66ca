"""A script cannot tell a warm worker from a process of its own; nor can its output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import workflows

SNAKEFILE = r"""
import os, sys
from pathlib import Path
import numpy as np

configfile: "config.yaml"
os.environ["FROM_SNAKEFILE"] = "set"

NAMES = ["plain", "with space", "quo'te", 'dou"ble', "ünï", "100%", "a+b", "semi;colon", "$HOME", "{x}"]

wildcard_constraints:
    name="[^/]+"

rule all:
    input:
        [f"out/odd/{name.replace('{', '{{').replace('}', '}}')}.json" for name in NAMES[:-1]],
        "out/everything.json", "out/plain.json", "out/wide.txt", "out/path_of_wildcard/one.txt",
        "out/bench.txt", "out/bench2.txt", "out/sub.txt", "out/second.txt", "out/retry.txt",
        "out/from_checkpoint.txt", "out/dir", "out/gone.txt",

rule odd:
    output: "out/odd/{name}.json"
    log: "logs/odd/{name}.log"
    script: "scripts/describe.py"

rule everything:
    input:
        "in/a.txt", named="in/b.txt", many=["in/a.txt", "in/b.txt"],
        function=lambda wildcards: "in/b.txt",
    output: "out/everything.json", touch("out/touched"), second="out/everything2.json"
    params:
        "positional", 7,
        a_dict={"k": [1, {"deep": None}]}, a_list=[1, "two", 3.0], nothing=None,
        path=Path("some/path"), array=np.arange(3, dtype="float32"), number=np.int64(5),
        text="it's \"quoted\"\n", flag=True, derived=lambda wildcards, output: str(output[0]),
        a_set={1, 2}, a_tuple=(1, 2), code=b"bytes", inf=float("inf"),
    threads: 2
    resources: mem_mb=100, label="text"
    log: "logs/everything.log", other="logs/other.log"
    script: "scripts/describe.py"

rule plain:
    output: "out/plain.json"
    script: Path("scripts") / "describe.py"

rule wide:
    output: "out/wide.txt"
    threads: 2
    script: "scripts/threads.py"

rule path_of_wildcard:
    output: "out/path_of_wildcard/{script}.txt"
    script: "scripts/{wildcards.script}.py"

rule bench:
    output: "out/bench.txt"
    benchmark: "bench/one.tsv"
    script: "scripts/one.py"

rule bench_repeated:
    output: "out/bench2.txt"
    benchmark: repeat("bench/two.jsonl", 3)
    script: "scripts/iteration.py"

rule helper_first:
    output: "out/sub.txt"
    params: value=1
    script: "scripts/sub/main.py"

rule helper_second:
    input: "out/sub.txt"
    output: "out/second.txt"
    params: value=2
    script: "scripts/sub2/main.py"

rule retried:
    output: "out/retry.txt"
    retries: 2
    resources: size=lambda wildcards, attempt: attempt * 10
    script: "scripts/retry.py"

# After the retried job: Snakemake itself forgets a job that waits for its next attempt when a
# checkpoint changes the plan.
checkpoint found:
    input: "out/retry.txt"
    output: directory("out/found")
    script: "scripts/found.py"

def found(wildcards):
    folder = checkpoints.found.get().output[0]
    return expand("out/made/{i}.txt", i=glob_wildcards(folder + "/{i}").i)

rule made:
    input: "out/found/{i}"
    output: temp("out/made/{i}.txt")
    script: "scripts/copy.py"

rule from_checkpoint:
    input: found
    output: "out/from_checkpoint.txt"
    script: "scripts/copy.py"

rule a_directory:
    output: directory("out/dir")
    script: "scripts/found.py"

rule interpreter_ends:
    output: "out/gone.txt"
    script: "scripts/at_exit.py"
"""

DESCRIBE = """
'''A docstring, which a script started by Snakemake does not have.'''
import json, os, sys, warnings
sys.stdout.write("printed\\n")

def kind(value):
    return [type(value).__module__ + "." + type(value).__qualname__, repr(value)]

def listing(values):
    return {
        "class": type(values).__name__, "items": [kind(v) for v in values],
        "names": {name: kind(value) for name, value in sorted(values.items())},
    }

here = os.getcwd()
about = {
    "input": listing(snakemake.input), "output": listing(snakemake.output),
    "params": listing(snakemake.params), "wildcards": listing(snakemake.wildcards),
    "log": listing(snakemake.log), "threads": kind(snakemake.threads),
    "resources": listing(snakemake.resources), "config": snakemake.config,
    "rule": snakemake.rule, "scriptdir": snakemake.scriptdir,
    "bench_iteration": snakemake.bench_iteration,
    "variables": sorted(vars(snakemake)), "globals": sorted(globals()),
    "name": __name__, "file": __file__, "doc": __doc__, "argv": len(sys.argv),
    "executed_in": os.path.dirname(sys.argv[0]), "executed": __real_file__ == sys.argv[0],
    "path": [p for p in sys.path if "snakemake-runtime-cache" not in p],
    "cached": [p for p in sys.path if "snakemake-runtime-cache" in p][0].partition("/file")[2],
    "cwd": here, "flags": str(sys.flags), "umask": [os.umask(0o22), os.umask(0o22)],
    "filters": len(warnings.filters) > 0, "executable": sys.executable,
    "threads_variables": {n: v for n, v in os.environ.items() if n.endswith("_NUM_THREADS")
                          and n not in ("RAYON_NUM_THREADS", "NUMBA_NUM_THREADS")},
    "environment": sorted(n for n in os.environ if n not in
        ("RAYON_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "SHLVL", "_",
         "_RJEM_MALLOC_CONF", "PS1")),
    "temporary": [os.environ.get(n) for n in ("TMPDIR", "TMP", "TEMPDIR", "TEMP")],
    "main": sys.modules["__main__"].__dict__ is globals(),
}
# What one job does to the config is not seen by another.
snakemake.config["changed"] = True
for path in snakemake.output:
    if path.endswith("json"):
        with open(path, "w") as file:
            json.dump(about, file, indent=1, sort_keys=True)
if snakemake.log:
    with open(snakemake.log[0], "w") as file:
        file.write("logged")
"""

FILES = {
    "Snakefile": SNAKEFILE,
    "config.yaml": "list: [1, two]\nnested: {a: {b: null}}\n",
    "in/a.txt": "a\n",
    "in/b.txt": "b\n",
    "scripts/describe.py": DESCRIBE,
    "scripts/one.py": "open(snakemake.output[0], 'w').write('one')\n",
    "scripts/threads.py": """
        import os
        n = str(snakemake.threads)
        assert os.environ["OMP_NUM_THREADS"] == n == "2"
        open(snakemake.output[0], 'w').write(n)
        """,
    "scripts/iteration.py": """
        with open(snakemake.output[0], 'a') as file:
            file.write(str(snakemake.bench_iteration))
        """,
    # Two helpers of one name in two directories.
    "scripts/sub/main.py": """
        import helper
        open(snakemake.output[0], "w").write(helper.text(snakemake))
        """,
    "scripts/sub/helper.py": """
        import __main__
        VALUE = __main__.snakemake.params.value
        def text(snakemake):
            return f"first {VALUE} {snakemake.params.value}"
        """,
    "scripts/sub2/main.py": """
        import helper
        open(snakemake.output[0], "w").write(helper.text(snakemake))
        """,
    "scripts/sub2/helper.py": """
        import __main__
        VALUE = __main__.snakemake.params.value
        def text(snakemake):
            return f"second {VALUE} {snakemake.params.value}"
        """,
    "scripts/retry.py": """
        if snakemake.resources.size < 20:
            raise ValueError("not yet")
        open(snakemake.output[0], "w").write(str(snakemake.resources.size))
        """,
    "scripts/found.py": """
        import os
        os.makedirs(snakemake.output[0])
        for i in range(3):
            open(f"{snakemake.output[0]}/{i}", "w").write(str(i))
        """,
    "scripts/copy.py": """
        text = "".join(open(path).read() for path in sorted(snakemake.input))
        open(snakemake.output[0], "w").write(text)
        """,
    # Output that is complete only when the interpreter has ended.
    "scripts/at_exit.py": """
        import atexit, threading, time
        kept = open(snakemake.output[0], "w")
        kept.write("begun,")
        def later():
            time.sleep(0.2)
            kept.write("thread,")
        threading.Thread(target=later).start()
        atexit.register(lambda: kept.write("exit"))
        """,
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """The same workflow in the same place, built by either executor, then moved apart."""
    base = tmp_path_factory.mktemp("equivalence")
    place = base / "work"
    made = {}
    for name, options in {"local": workflows.LOCAL, "warm": workflows.WARM}.items():
        workflows.write(place, FILES)
        result = workflows.run(place, *options)
        assert result.status == 0, result.console
        (place / "console.txt").write_text(result.console)
        made[name] = place.rename(base / name)
    return made


def files_below(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_outputs_and_logs_are_the_same_bytes(runs):
    for folder in ("out", "logs"):
        expected = files_below(runs["local"] / folder)
        assert expected
        found = files_below(runs["warm"] / folder)
        assert found.keys() == expected.keys()
        for name in expected:
            assert found[name].decode() == expected[name].decode(), name


def test_warm_workers_were_used(runs):
    assert "everything.json" in (runs["warm"] / "console.txt").read_text()
    text = (runs["warm"] / "out" / "plain.json").read_text()
    assert json.loads(text)["executed_in"].endswith("/.snakemake/scripts")
    assert not (runs["warm"] / ".snakemake" / "scripts").exists()
    assert (runs["local"] / ".snakemake" / "scripts").exists()


def test_benchmark_files_have_the_stock_columns(runs):
    for name in ("bench/one.tsv",):
        tables = {
            executor: [line.split("\t") for line in (path / name).read_text().splitlines()]
            for executor, path in runs.items()
        }
        assert tables["warm"][0] == tables["local"][0]
        assert len(tables["warm"]) == len(tables["local"]) == 2
        row = dict(zip(*tables["warm"], strict=True))
        assert 0 <= float(row["s"]) < 5
        assert 1 < float(row["max_rss"]) < 10_000
        assert float(row["cpu_time"]) <= float(row["s"]) + 0.1


def test_repeated_benchmarks(runs):
    for path in runs.values():
        lines = (path / "bench/two.jsonl").read_text().splitlines()
        assert len(lines) == 3
        assert {"s", "max_rss", "cpu_time"} <= json.loads(lines[0]).keys()


def test_nothing_is_left_to_do_for_either_executor(runs):
    for path in runs.values():
        result = workflows.run(path, *workflows.LOCAL, "--dry-run", "--rerun-triggers", "mtime")
        assert "Nothing to be done" in result.console
