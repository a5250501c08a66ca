"""What a cluster costs: a build through `profiles/slurm` beside a local one, on as many cores.

``python -m bench.slurm`` brings a SLURM of two nodes up on this machine, and writes
`docs/benchmarks.md`. CPU seconds are those of all processes: of jobs, as their shells tell at their
end, and of the main process with all that it starts, but not of SLURM's own daemons.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from bench.document import machine, table, write_section
from bench.engine import TARGETS, Bench, Timing
from bench.steps import ROOT
from tests.slurm.lab import NODES, Lab

# Before its last line, a job writes down what it has used.
COUNTING_SBATCH = """#!/bin/bash
echo job >> {times}
sed 's|^exit $code$|times >> {times}; exit $code|' | {sbatch} "$@"
"""


class Cluster:
    """Builds of a bench through the profile."""

    def __init__(self, bench: Bench, folder: Path, slots: int) -> None:
        self._bench, self._slots = bench, slots
        self._lab = Lab(folder / "slurm", cpus=bench.cores // len(NODES))
        self._times = folder / "times"
        self._shims = folder / "bin"
        self.jobs = 0

    def __enter__(self) -> Cluster:
        self._lab.up()
        self._shims.mkdir()
        shim = self._shims / "sbatch"
        sbatch = shutil.which("sbatch")
        shim.write_text(COUNTING_SBATCH.format(times=self._times, sbatch=sbatch))
        shim.chmod(0o755)
        return self

    def __exit__(self, *_: object) -> None:
        self._lab.down()

    def build(self) -> Timing:
        """A build from nothing; cores as the bench's, half of them on each node."""
        self._times.unlink(missing_ok=True)
        before = dict(os.environ)
        os.environ |= self._lab.environment
        os.environ["PATH"] = f"{self._shims}:{os.environ['PATH']}"
        try:
            timing = self._bench.build(
                *("--profile", str(ROOT / "profiles" / "slurm")),
                *("--cores", str(self._bench.cores // len(NODES))),
                *("--group-components", f"slots={self._slots}", "checks=99", "--"),
                *TARGETS,
                "qa",
            )
        finally:
            os.environ.clear()
            os.environ |= before
        text = self._times.read_text(encoding="utf-8")
        self.jobs = text.count("job\n")
        used = sum(60 * int(m) + float(s) for m, s in re.findall(r"(\d+)m([\d.]+)s", text))
        return timing._replace(cpu=timing.cpu + used)


def measured(scratch: Path, tickers: int, cores: int, slots: int) -> Iterator[str]:
    """The lines of the section."""
    bench = Bench(scratch, tickers, "6,000", cores)
    local = bench.build(*TARGETS, "qa")
    with Cluster(bench, scratch, slots) as cluster:
        remote = cluster.build()
    yield f"{tickers:,} tickers × 5 layers and checks, about {bench.rows} rows a ticker, {cores} cores"
    yield ""
    yield from table([
        ("", "seconds", "CPU s", "to local", "main CPU s", "main MB", "cluster jobs"),
        *(
            (
                name,
                f"{timing.seconds:.0f}",
                f"{timing.cpu:.0f}",
                f"{timing.cpu / local.cpu:.2f}",
                f"{timing.main_cpu:.1f}",
                f"{timing.main_mb:.0f}",
                str(jobs),
            )
            for name, timing, jobs in (
                ("local", local, ""), ("`profiles/slurm`", remote, cluster.jobs)
            )
        ),
    ])  # fmt: skip
    yield ""


@click.command()
@click.option("--tickers", default=1000, help="Number of tickers.")
@click.option("--cores", default=2, help="Cores, half of them on each of two nodes.")
@click.option("--slots", default=4, help="Slots that a cluster job takes.")
@click.option("--write/--no-write", default=True, help="Whether to write the document.")
def main(tickers: int, cores: int, slots: int, write: bool) -> None:
    """Measure, and write the section on clusters of the benchmark document."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        lines = [f"{machine()}; SLURM 22.05, {cores} cores.", ""]
        for line in measured(Path(folder), tickers, cores, slots):
            click.echo(line)
            lines.append(line)
    if write:
        write_section("slurm", lines)


if __name__ == "__main__":
    main()
