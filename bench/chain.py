"""Raw files to evaluated models at the size of a market: what comes after the layers, against them.

``python -m bench.chain`` builds a synthetic market of 8,600 tickers by `snakemake`, the layers in one
run and the rest in another: dataset, two prepared matrices, a Markov model of four restarts, k-means,
profiles by period and states against clusters, as the default settings ask for. The steps after the
layers use all cores, one after the other; what each took is told by the time stamps of its files.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import click
import numpy as np
import psutil
import yaml

from bench.document import machine, table, write_section
from bench.engine import MB, RAW, TARGETS, Bench, filesystem
from bench.steps import ROOT

DATASET = "data/gold/datasets/ml_dataset_v1/market"
CLUSTERS = "results/research_runs/regimes_kmeans_market"
STATES = "results/hmm_runs/regimes_hmm_market"
STEPS = {
    "dataset, the market beside it": f"{DATASET}/metadata.json",
    "prepared matrices": "data/gold/prepared/market/*/split_summary.json",
    "k-means, with labels of every row": f"{CLUSTERS}/run_summary.json",
    "Markov model, four restarts, every row decoded": f"{STATES}/run_summary.json",
    "profiles by period": f"{CLUSTERS}/cluster_profile_test.csv",
    "states against clusters": f"{STATES}/hmm_vs_cluster_metrics.json",
}
"""What is told of, and the last file of each."""
SECONDS_BETWEEN_LOOKS = 0.2


class Chain(Bench):
    """Builds that go on to the models."""

    environment: ClassVar = {}

    def __init__(self, scratch: Path, tickers: int, rows: str, cores: int) -> None:
        super().__init__(scratch, tickers, rows, cores)
        place = Path("config", "config.yaml")
        settings = yaml.safe_load((ROOT / place).read_text(encoding="utf-8"))
        settings["paths"]["raw_root"] = RAW
        (self.folder / place).write_text(yaml.safe_dump(settings), encoding="utf-8")

    def steps(self, started: float) -> dict[str, float]:
        """Seconds until each step was done, since the one before it was."""
        ends = {
            name: max(path.stat().st_mtime for path in self.folder.glob(pattern))
            for name, pattern in STEPS.items()
        }
        found, before = {}, started
        for name, end in sorted(ends.items(), key=lambda item: item[1]):
            found[name] = end - before
            before = end
        return found

    def prepared_to_matrices(self) -> float:
        """What the prepared folders take in all, to what their matrices take."""
        folders = self.folder / "data" / "gold" / "prepared"
        sizes = {path: path.stat().st_size for path in folders.rglob("*") if path.is_file()}
        return sum(sizes.values()) / sum(
            size for path, size in sizes.items() if path.name == "matrix.npy"
        )


@contextlib.contextmanager
def peak_anonymous_mb() -> Iterator[list[float]]:
    """The highest anonymous memory of any one process that is started meanwhile."""
    peak, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    memory = process.memory_info()
                    peak[0] = max(peak[0], (memory.rss - memory.shared) / MB)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def measured(chain: Chain) -> Iterator[str]:
    """The lines of the section."""
    layers = chain.build(*TARGETS)
    started = time.time()
    with peak_anonymous_mb() as peak:
        rest = chain.again(*(target for target in STEPS.values() if "*" not in target))
    states = json.loads((chain.folder / STATES / "hmm_model_meta.json").read_text())
    rows = sum(
        np.load(path, mmap_mode="r").shape[0]
        for path in (chain.folder / "data" / "gold" / "prepared").rglob("matrix.npy")
    )
    yield from table([
        ("", "seconds", "to the layers", "CPU s"),
        ("five layers", f"{layers.seconds:.0f}", "1.00", f"{layers.cpu:.0f}"),
        *(
            (name, f"{seconds:.0f}", f"{seconds / layers.seconds:.2f}", "")
            for name, seconds in chain.steps(started).items()
        ),
        (
            "all after the layers", f"{rest.seconds:.0f}", f"{rest.seconds / layers.seconds:.2f}",
            f"{rest.cpu:.0f}",
        ),
    ])  # fmt: skip
    yield ""
    yield (
        f"{chain.tickers:,} tickers, {rows:,} rows in both matrices; the Markov model took "
        f"{states['iterations']} iterations; highest anonymous memory of a process {peak[0]:,.0f} MB; "
        f"prepared folders {chain.prepared_to_matrices():.2f} of their matrices."
    )


@click.command()
@click.option("--tickers", default=8600, help="Listings, each of about 2,460 rows.")
@click.option("--cores", default=2, help="Cores of the builds.")
@click.option("--write/--no-write", default=True, help="Whether to write the document.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Folder for the files.")
def main(tickers: int, cores: int, write: bool, scratch: Path | None) -> None:
    """Measure, print, and write the section of the benchmark document."""
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        lines = [f"{machine()}; `--cores {cores}`, files on {filesystem(folder)}.", ""]
        lines += measured(Chain(folder, tickers, "2,460", cores))
    print("\n".join(lines))
    if write:
        write_section("chain", lines)


if __name__ == "__main__":
    main()
