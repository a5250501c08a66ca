"""How much Snakemake's ways to run many small Python jobs cost: seconds, and milliseconds a job.

    python engine/bench/benchmark.py --jobs 1000 --milliseconds 5 50
    python engine/bench/benchmark.py --trouble

Each job computes for so many milliseconds and writes a file. Beside warm workers stand the local
executor with `script:` and with `shell: python`, Snakemake's group jobs (of 50, by the plugin
cluster-generic on this machine, if it is there), Dask's local cluster (if it is there), and a pool of
processes without any workflow. What starts a process a job is run with a tenth of the jobs, as its
cost a job does not depend on their number. Prints a table in Markdown.

With `--trouble`, jobs that warm workers could be slow at, against the local executor with `script:`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

WORK = """\
import sys
import time

def work(milliseconds, path):
    end = time.process_time() + milliseconds / 1000
    while time.process_time() < end:
        pass
    with open(path, "w") as file:
        file.write(path)

if __name__ == "__main__":
    work(int(sys.argv[1]), sys.argv[2])
"""
SCRIPT = """\
import time

end = time.process_time() + int(snakemake.config["milliseconds"]) / 1000
while time.process_time() < end:
    pass
with open(snakemake.output[0], "w") as file:
    file.write(snakemake.output[0])
"""
TROUBLE = {
    "each leaves a thread running": SCRIPT
    + "import threading\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n",
    "the first takes 10 s": "import time\nif snakemake.wildcards.i == '0':\n    time.sleep(10)\n"
    + SCRIPT,
    "each ends its process's standard output": SCRIPT + "import os\nos.close(1)\n",
}
SNAKEFILE = """\
rule all:
    input: expand("out/{i}", i=range(int(config["jobs"])))
rule job:
    output: "out/{i}"
    params: milliseconds=config["milliseconds"]
    %s
"""
POOL = """\
import multiprocessing
import os
import sys
from work import work

if __name__ == "__main__":
    cores, jobs, milliseconds = map(int, sys.argv[1:])
    os.makedirs("out", exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.starmap(work, [(milliseconds, f"out/{i}") for i in range(jobs)], chunksize=1)
"""
DASK = """\
import os
import sys
from dask.distributed import Client, LocalCluster, wait
from work import work

if __name__ == "__main__":
    cores, jobs, milliseconds = map(int, sys.argv[1:])
    os.makedirs("out", exist_ok=True)
    with LocalCluster(n_workers=cores, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            wait(client.map(work, [milliseconds] * jobs, [f"out/{i}" for i in range(jobs)], pure=False))
"""
# Starts a group in the background and says its number, as a cluster's command would.
SUBMIT = """\
#!/bin/sh
setsid sh "$1" > /dev/null 2>&1 &
echo $!
"""
STOCK = ["--executor", "local", "--max-jobs-per-timespan", "1000000/1s"]
WARM = ["--executor", "warm", "--max-jobs-per-timespan", "1000000/1s"]
GROUPS = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", "./submit.sh"]
GROUPS += [
    "--group-components",
    "job=50",
    "--default-resources",
    "--seconds-between-status-checks",
    "1",
]


class Way(NamedTuple):
    """A way to have jobs done: the command, what the rule says, and the share of jobs it is given."""

    name: str
    command: Callable[[int, int, int], list[str]]
    rule: str = ""
    share: float = 1.0
    # Whether its processes are waited for, so that their CPU time is known.
    is_waited_for: bool = True


def snakemake(*options: str) -> Callable[[int, int, int], list[str]]:
    def command(cores: int, jobs: int, milliseconds: int) -> list[str]:
        config = ["--config", f"jobs={jobs}", f"milliseconds={milliseconds}"]
        start = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--jobs", str(cores)]
        return [*start, "--quiet", "all", *options, *config]

    return command


def program(name: str) -> Callable[[int, int, int], list[str]]:
    return lambda *numbers: [sys.executable, name, *map(str, numbers)]


def ways() -> Iterator[Way]:
    """What can be measured here."""
    script, shell = 'script: "job.py"', 'shell: "python work.py {params.milliseconds} {output}"'
    scheduler = (
        ["--scheduler", "depth-first"]
        if find_spec("snakemake_scheduler_plugin_depth_first")
        else []
    )
    yield Way("a pool of processes, no workflow", program("pool.py"))
    yield Way("warm workers", snakemake(*WARM, *scheduler), script)
    yield Way("stock, `shell: python`", snakemake(*STOCK), shell, share=0.1)
    yield Way("stock, `script:`", snakemake(*STOCK), script, share=0.1)
    if find_spec("snakemake_executor_plugin_cluster_generic"):
        yield Way(
            "stock, groups of 50 `script:`",
            snakemake(*GROUPS),
            f'group: "job"\n    {script}',
            0.1,
            False,
        )
    if find_spec("dask") and find_spec("distributed"):
        yield Way("Dask's local cluster", program("dask_pool.py"))


def seconds(
    way: Way, directory: Path, cores: int, jobs: int, milliseconds: int, script: str = SCRIPT
) -> tuple[float, float]:
    """Wall time from nothing, and CPU time of all processes that are waited for."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    files = {"work.py": WORK, "job.py": script, "pool.py": POOL, "dask_pool.py": DASK}
    files |= {"Snakefile": SNAKEFILE % way.rule, "submit.sh": SUBMIT}
    for name, text in files.items():
        (directory / name).write_text(text)
    (directory / "submit.sh").chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}
    started_at, cpu_before = time.perf_counter(), os.times()
    done = subprocess.run(
        way.command(cores, jobs, milliseconds),
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    elapsed, cpu_after = time.perf_counter() - started_at, os.times()
    cpu = sum(cpu_after[2:4]) - sum(cpu_before[2:4])
    made = len(list((directory / "out").glob("*"))) if (directory / "out").exists() else 0
    if done.returncode or made != jobs:
        raise SystemExit(f"{way.name}: {made} of {jobs} files\n{done.stdout[-3000:]}")
    return elapsed, cpu


def against_stock(folder: Path, cores: int, jobs: int = 100) -> None:
    """Print how long jobs that are trouble for a process that is used again take, to stock."""
    print("| 100 jobs of 50 ms | warm, seconds | stock `script:`, seconds | warm to stock |")
    print("| --- | --- | --- | --- |", flush=True)
    warm, stock = (way for way in ways() if way.name in ("warm workers", "stock, `script:`"))
    for name, script in TROUBLE.items():
        took = [seconds(way, folder, cores, jobs, 50, script)[0] for way in (warm, stock)]
        ratio = took[0] / took[1]
        print(f"| {name} | {took[0]:.1f} | {took[1]:.1f} | {ratio:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, nargs="+", default=[200])
    parser.add_argument("--milliseconds", type=int, nargs="+", default=[5])
    parser.add_argument("--cores", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument(
        "--trouble", action="store_true", help="jobs that are trouble, against stock"
    )
    parser.add_argument("--way", help="only those whose name contains this")
    arguments = parser.parse_args()
    if arguments.trouble:
        with tempfile.TemporaryDirectory(prefix="engine-bench-") as folder:
            against_stock(Path(folder) / "work", arguments.cores)
        return
    print("| jobs | work of each | | seconds | CPU seconds | CPU ms a job, less its work |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(prefix="engine-bench-") as folder:
        for jobs in arguments.jobs:
            for milliseconds in arguments.milliseconds:
                for way in ways():
                    if arguments.way and arguments.way not in way.name:
                        continue
                    number = max(1, int(jobs * way.share))
                    place = Path(folder) / "work"
                    elapsed, cpu = seconds(way, place, arguments.cores, number, milliseconds)
                    figures = (f"{cpu:.1f}", f"{1000 * cpu / number - milliseconds:.1f}")
                    told = " | ".join(figures if way.is_waited_for else ("", ""))
                    row = f"{number:,} | {milliseconds} ms | {way.name} | {elapsed:.1f} | {told}"
                    print(f"| {row} |", flush=True)


if __name__ == "__main__":
    main()
