"""Speed of a build: bare process pool, warm workers, stock Snakemake; and of a run with nothing to do.

``python -m bench.engine`` writes `docs/benchmarks.md`. Every figure is wall time of a whole process,
start-up and planning included; ratios are of runs beside each other in one session.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import psutil

from bench.document import machine, table, write_section
from bench.steps import ROOT
from mf_etl.synth import write_archive

# A synthetic ticker is listed for 0.77 of the years on average: about 6,000 rows.
YEARS = 31
# A dataset of so many rows is a benchmark of its own.
NO_DATASETS = ("--config", "datasets={}")
# Minutes a run beyond this; below, a neighbour's busy seconds would decide.
SEVERAL_ROUNDS_UP_TO = 1000
STOCK = ("--executor", "local", "--scheduler", "greedy")


@dataclass(frozen=True)
class Timing:
    """Wall seconds of a process and peak memory of its largest single process, in MB."""

    seconds: float
    peak_mb: float


class Bench:
    """Runs builds of one archive below a scratch folder."""

    def __init__(self, scratch: Path, tickers: int, cores: int) -> None:
        self.folder = scratch / str(tickers)
        self.tickers = tickers
        self.cores = str(cores)
        write_archive(
            self.folder / "raw",
            tickers=tickers,
            years=YEARS,
            seed=1,
            anomalies=False,
            processes=cores,
        )

    def bare_pool(self) -> Timing:
        """All tickers in a plain process pool."""
        data = self.folder / "bare"
        command = [sys.executable, "-m", "bench.bare_pool", str(self.folder / "raw"), str(data)]
        try:
            return self._timed([*command, self.cores])
        finally:
            shutil.rmtree(data, ignore_errors=True)

    def build(self, *arguments: str, limit: int | None = None) -> Timing:
        """A build by Snakemake from nothing."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        shutil.rmtree(self.folder / ".snakemake", ignore_errors=True)
        return self.again(*arguments, limit=limit)

    def again(self, *arguments: str, limit: int | None = None) -> Timing:
        """A run by Snakemake on what is there."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        return self._timed(
            [*command, "--directory", str(self.folder), "--cores", self.cores, *arguments], limit
        )

    def _timed(self, command: list[str], limit: int | None = None) -> Timing:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MF_ETL_")}
        environment["MF_ETL_PATHS__RAW_ROOT"] = str(self.folder / "raw")
        if limit:
            environment["MF_ETL_UNIVERSE__LIMIT"] = str(limit)
        log = self.folder / "last.log"
        start = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            raise click.ClickException(f"{' '.join(command)} failed:\n{log.read_text()[-3000:]}")
        return Timing(seconds, usage.ru_maxrss / 1024)


def in_turn(rounds: int, *runs: Callable[[], Timing]) -> list[Timing]:
    """Median seconds and highest peak of each; in turn, so that none has the better hour."""
    timings = [[run() for run in runs] for _ in range(rounds)]
    return [
        Timing(
            statistics.median(timing.seconds for timing in found),
            max(timing.peak_mb for timing in found),
        )
        for found in zip(*timings, strict=True)
    ]


def builds(bench: Bench, stock_tickers: int, rounds: int) -> list[tuple[str, ...]]:
    """One row a way to build all tickers of an archive."""
    bare, warm, whole = in_turn(
        rounds,
        bench.bare_pool,
        lambda: bench.build("features"),
        lambda: bench.build("features", "qa"),
    )
    rows = [
        ("bare process pool", f"{bare.seconds:.1f}", "1.00", f"{bare.peak_mb:.0f}"),
        (
            "warm workers",
            f"{warm.seconds:.1f}",
            f"{warm.seconds / bare.seconds:.2f}",
            f"{warm.peak_mb:.0f}",
        ),
    ]
    rows.append(
        (
            "warm workers, with the files over the universe",
            f"{whole.seconds:.1f}",
            f"{whole.seconds / bare.seconds:.2f}; {whole.seconds / warm.seconds:.2f} × without",
            f"{whole.peak_mb:.0f}",
        )
    )
    if stock_tickers:
        part = bench.build(*STOCK, "features", limit=stock_tickers)
        seconds = part.seconds * bench.tickers / stock_tickers
        rows.append(
            (
                f"stock Snakemake ({stock_tickers} tickers, scaled)",
                f"{seconds:.1f}",
                f"{seconds / bare.seconds:.2f}; {seconds / warm.seconds:.1f} × warm",
                f"{part.peak_mb:.0f}",
            )
        )
    return rows


def idle_runs(bench: Bench) -> list[tuple[str, ...]]:
    """Runs on a tree that is up to date, then a dry run on nothing."""
    stock = bench.again("--workflow-profile", "none", *NO_DATASETS)
    whole = bench.again(*NO_DATASETS, "planning__skip_settled=false")
    settled = bench.again(*NO_DATASETS)
    shutil.rmtree(bench.folder / "data")
    shutil.rmtree(bench.folder / ".snakemake")
    dry = bench.again("--dry-run", *NO_DATASETS)
    return [
        (
            name,
            f"{run.seconds:.1f}",
            ratio and f"{run.seconds / stock.seconds:.2f}",
            f"{run.peak_mb:.0f}",
        )
        for name, run, ratio in (
            ("nothing to do", settled, "ratio"),
            ("nothing to do, every file weighed (`planning.skip_settled: false`)", whole, "ratio"),
            ("nothing to do, stock Snakemake (`--workflow-profile none`)", stock, "ratio"),
            ("dry run, nothing built", dry, ""),
        )
    ]


def filesystem(folder: Path) -> str:
    """What kind of file system a folder is on, such as ext4 or tmpfs."""
    kinds = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    places = [str(parent) for parent in (folder.resolve(), *folder.resolve().parents)]
    return next((kinds[place] for place in places if place in kinds), "an unknown file system")


@click.command()
@click.option("--small", default=200, help="Tickers of the small archive.")
@click.option("--medium", default=1000, help="Tickers of the medium archive.")
@click.option("--large", default=8000, help="Tickers of the large archive; 0 leaves it out.")
@click.option("--cores", default=min(4, os.cpu_count() or 1), help="Cores to use.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Folder for the archives.")
def main(small: int, medium: int, large: int, cores: int, scratch: Path | None) -> None:
    """Measure, and write the engine section of the benchmark document."""
    head = ("", "seconds", "ratio to bare pool", "peak memory of the largest process, MB")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        place = filesystem(Path(folder))
        lines = [
            f"{machine()}; `--cores {cores}`, about 6,000 rows a ticker, files on {place}.",
            "",
        ]
        for tickers, stock_tickers in ((small, small // 4), (medium, small // 4), (large, 0)):
            if not tickers:
                continue
            bench = Bench(Path(folder), tickers, cores)
            rounds = 1 if tickers > SEVERAL_ROUNDS_UP_TO else 3
            medians = f", medians of {rounds} runs in turn" if rounds > 1 else ""
            lines += [f"### {tickers:,} tickers × 5 layers{medians}", ""]
            lines += [*table([head, *builds(bench, stock_tickers, rounds)]), ""]
            if tickers == max(small, medium, large):
                idle = ("", "seconds", "ratio to stock", head[3])
                lines += [*table([idle, *idle_runs(bench)]), ""]
            shutil.rmtree(bench.folder)
            click.echo("\n".join(lines))
    write_section("engine", lines)


if __name__ == "__main__":
    main()
