"""Speed of a build: bare process pool, plain processes side by side, parcels, one flat plan.

``python -m bench.engine`` does every part, `--part` one; each is a section of `docs/benchmarks.md`,
and only printed where `--tickers` asks for another number. Figures are of whole processes, start-up
and planning included; what is compared runs in turn.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple

import click
import psutil

from bench.document import machine, table, write_section
from bench.steps import ROOT
from mf_etl.synth import write_archive

# A synthetic ticker is listed for 0.77 of the years on average: about 6,000 rows in the first case,
# those of the real market in the second, and 500 in the third.
YEARS = {"6,000": 31, "2,460": 13, "500": 3}
STOCK = ("--executor", "local", "--scheduler", "greedy")
FLAT = ("--config", "planning__parcels=false")
TARGETS = ("features",)
WORKFLOW = ("Snakefile", "rules", "scripts", "mf_etl", "profiles", "report", "envs")
RAW = "raw"
SAMPLE_SECONDS = 0.1
PREDICTED_CORES = (16, 64)
MB = 2**20


class Timing(NamedTuple):
    """Of a process and all that it has started: wall and CPU seconds; of itself: CPU and memory."""

    seconds: float
    cpu: float
    main_cpu: float
    main_mb: float

    def predicted(self, cores: int, here: int) -> float:
        """Wall seconds at so many cores: what the main process does by itself, and the rest shared.

        What is in the way here (waiting, ends that do not meet) is taken to shrink as the rest does.
        """
        shared = max(self.seconds - self.main_cpu, self.cpu / here)
        return self.main_cpu + shared * here / cores


class Bench:
    """Runs builds of one archive below a scratch folder."""

    # Datasets and models have benchmarks of their own.
    environment: ClassVar = {"MF_ETL_DATASETS": "{}"}

    def __init__(self, scratch: Path, tickers: int, rows: str, cores: int) -> None:
        self.folder = scratch / f"{tickers}x{rows}"
        self.tickers, self.rows, self.cores = tickers, rows, cores
        if not self.folder.exists():  # parts of one size share it
            write_archive(
                self.folder / RAW,
                tickers=tickers,
                years=YEARS[rows],
                seed=1,
                anomalies=False,
                processes=cores,
            )
            for part in WORKFLOW:
                (self.folder / part).symlink_to(ROOT / part)
            (self.folder / "config").mkdir()
            (self.folder / "config" / "config.yaml").write_text(f"paths: {{raw_root: {RAW}}}\n")

    def bare_pool(self, *built_root: str) -> Timing:
        """All tickers in a plain process pool; the last layer only, from what is built there."""
        data = self.folder / "bare"
        raw = str(self.folder / RAW)
        command = [sys.executable, "-m", "bench.bare_pool", raw, str(data), str(self.cores)]
        try:
            return self._timed([*command, *built_root])
        finally:
            shutil.rmtree(data, ignore_errors=True)

    def floor(self) -> Timing:
        """As many processes as cores, each of them a build of its part of the universe."""
        raw, built = str(self.folder / RAW), self.folder / "floor"
        command = [sys.executable, "-m", "bench.floor", raw, str(built), str(self.cores)]
        try:
            return self._timed(command)
        finally:
            shutil.rmtree(built, ignore_errors=True)

    def build(self, *arguments: str) -> Timing:
        """A build by Snakemake from nothing."""
        self.clear()
        return self.again(*arguments)

    def clear(self) -> None:
        """Take away what was built."""
        for name in ("data", ".snakemake", "results", "logs"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def again(self, *arguments: str) -> Timing:
        """A run by Snakemake on what is there."""
        command = [sys.executable, "-m", "snakemake", "--cores", str(self.cores)]
        return self._timed([*command, *arguments])

    def status(self) -> Timing:
        """What `mf-etl status` takes."""
        return self._timed([sys.executable, "-m", "mf_etl.cli", "status"])

    def _timed(self, command: list[str]) -> Timing:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MF_ETL_")}
        environment |= {**self.environment, "PYTHONPATH": str(ROOT)}
        log = self.folder / "last.log"
        start = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
            watch = _Watch(process.pid)
            _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        own_cpu, own_mb = watch.stop()
        if status:
            raise click.ClickException(f"{' '.join(command)} failed:\n{log.read_text()[-3000:]}")
        return Timing(seconds, usage.ru_utime + usage.ru_stime, own_cpu, own_mb)


class _Watch:
    """CPU seconds and peak memory of one process without its children, by looking regularly."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._cpu, self._bytes = 0.0, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[float, float]:
        self._over.set()
        self._thread.join()
        return self._cpu, self._bytes / MB

    def _look(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            try:
                times = self._process.cpu_times()
                memory = self._process.memory_info().rss
            except psutil.Error:
                return
            self._cpu = times.user + times.system
            self._bytes = max(self._bytes, memory)


def in_turn(rounds: int, runs: dict[str, Callable[[], Timing]]) -> dict[str, Timing]:
    """Median of each figure of each run; in turn, so that none has the better hour."""
    found: dict[str, list[Timing]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(run())
            click.echo(f"{name}: {found[name][-1].seconds:.1f} s", err=True)
    return {
        name: Timing(*(statistics.median(figures) for figures in zip(*timings, strict=True)))
        for name, timings in found.items()
    }


def builds(bench: Bench, rounds: int, with_flat: bool, with_stock: bool) -> Iterator[str]:
    """Ways to build all tickers of an archive, beside each other."""
    runs: dict[str, Callable[[], Timing]] = {
        "bare process pool": bench.bare_pool,
        "plain processes, each a part": bench.floor,
        "parcels": lambda: bench.build(*TARGETS),
    }
    if with_flat:
        runs["one flat plan"] = lambda: bench.build(*TARGETS, *FLAT)
    if with_stock:
        runs["one flat plan, stock"] = lambda: bench.build(*TARGETS, *STOCK, *FLAT)
    found = in_turn(rounds, runs)
    bare, floor = found["bare process pool"], found["plain processes, each a part"]
    head = ("", "seconds", "to bare", "to floor", "CPU s", "to bare", "main CPU s", "of all",
            "main MB", *(f"predicted at {cores}, to bare" for cores in PREDICTED_CORES))  # fmt: skip
    rows: list[tuple[str, ...]] = [head]
    for name, timing in found.items():
        is_pool = timing in (bare, floor)
        ratios = (
            timing.predicted(cores, bench.cores) / (bare.seconds * bench.cores / cores)
            for cores in PREDICTED_CORES
        )
        rows.append((
            name,
            f"{timing.seconds:.1f}",
            f"{timing.seconds / bare.seconds:.2f}",
            f"{timing.seconds / floor.seconds:.2f}",
            f"{timing.cpu:.1f}",
            f"{timing.cpu / bare.cpu:.2f}",
            "" if is_pool else f"{timing.main_cpu:.1f}",
            "" if is_pool else f"{timing.main_cpu / timing.cpu:.1%}",
            "" if is_pool else f"{timing.main_mb:.0f}",
            *("" if is_pool else f"{ratio:.2f}" for ratio in ratios),
        ))  # fmt: skip
    turns = f", medians of {rounds} runs in turn" if rounds > 1 else ""
    yield f"### {bench.tickers:,} tickers × 5 layers, about {bench.rows} rows a ticker{turns}"
    yield ""
    yield from table(rows)
    yield ""


def small_runs(bench: Bench, rounds: int) -> Iterator[str]:
    """What little there is to do in a tree that is built: nothing, a ticker, a setting."""
    bench.clear()
    unbuilt = in_turn(
        rounds,
        {
            "nothing built, dry run of `all`": lambda: bench.again("--dry-run"),
            "nothing built, `mf-etl status`": bench.status,
        },
    )
    bench.build("features", "qa")
    raw = min((bench.folder / RAW).rglob("*.txt"))
    setting = ("--config", "gold_features__weights__hold=")
    turn = iter(range(2, 1000))

    def one_changed() -> Timing:
        raw.write_bytes(raw.read_bytes().rstrip().rpartition(b"\n")[0] + b"\n")
        return bench.again("features", "qa")

    built = in_turn(
        rounds,
        {
            "nothing to do, `features qa`": lambda: bench.again("features", "qa"),
            "one ticker changed, `features qa`": one_changed,
            "dry run, one setting of the last layer changed": lambda: bench.again(
                "features", "--dry-run", *setting[:1], f"{setting[1]}1.5"
            ),
            "`mf-etl status`": bench.status,
        },
    )
    one_layer = in_turn(
        rounds,
        {
            "one setting of the last layer changed, `features`": lambda: bench.again(
                "features", *setting[:1], f"{setting[1]}{next(turn)}"
            ),
            "the last layer alone, bare process pool": lambda: bench.bare_pool(
                str(bench.folder / "data")
            ),
        },
    )
    head = ("", "seconds", "CPU s", "main CPU s", "main MB")
    found = unbuilt | built | one_layer
    yield f"### Little to do: {bench.tickers:,} tickers, about {bench.rows} rows each"
    yield ""
    yield from table([
        head,
        *(
            (name, f"{t.seconds:.1f}", f"{t.cpu:.1f}", f"{t.main_cpu:.1f}", f"{t.main_mb:.0f}")
            for name, t in found.items()
        ),
    ])  # fmt: skip
    yield ""


PARTS = ("small", "medium", "large", "market", "many", "changes")


def measured(
    part: str, scratch: Path, cores: int, tickers: int | None, flat: bool
) -> Iterator[str]:
    """The lines of one part of the measurements."""
    sizes = {
        "small": (200, "6,000"), "medium": (1000, "6,000"), "large": (8000, "6,000"),
        "market": (8000, "2,460"), "many": (20_000, "500"), "changes": (8000, "2,460"),
    }  # fmt: skip
    number, rows = sizes[part]
    bench = Bench(scratch, tickers or number, rows, cores)
    rounds = 3 if bench.tickers <= 1000 else 1
    try:
        if part == "changes":
            yield from small_runs(bench, 3)
        else:
            yield from builds(bench, rounds, flat and part != "many", part == "small")
    finally:
        bench.clear()


def filesystem(folder: Path) -> str:
    """What kind of file system a folder is on, such as ext4 or tmpfs."""
    kinds = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    places = [str(parent) for parent in (folder.resolve(), *folder.resolve().parents)]
    return next((kinds[place] for place in places if place in kinds), "an unknown file system")


@click.command()
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="Only this part.")
@click.option("--tickers", type=int, help="Other than the usual number, for a look.")
@click.option("--flat/--no-flat", default=True, help="With one flat plan, the slowest by far.")
@click.option("--cores", default=min(4, os.cpu_count() or 1), help="Cores to use.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Folder for the archives.")
def main(
    parts: tuple[str, ...], tickers: int | None, flat: bool, cores: int, scratch: Path | None
) -> None:
    """Measure; each part writes its own section of the benchmark document."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for part in parts or PARTS:
            lines = [*measured(part, Path(folder), cores, tickers, flat)]
            where = f"{machine()}; `--cores {cores}`, files on {filesystem(Path(folder))}."
            lines[2:2] = [where, ""]
            click.echo("\n".join(lines))
            if not tickers:
                write_section(f"engine {part}", lines)


if __name__ == "__main__":
    main()
