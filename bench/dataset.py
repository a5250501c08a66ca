"""Dataset, preparation and whole runs from synthetic layer files: wall time and peak memory.

``python -m bench.dataset --tickers 8600 --rows 2400`` is a market of 20 million rows. Each figure is
taken in a process of its own; memory is its anonymous memory at the highest, so pages of files that
the system may drop do not count.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import polars as pl

from bench.document import machine, table, write_section
from mf_etl.io import ParquetOptions
from mf_etl.research.datasets.export import export_dataset
from mf_etl.research.datasets.market import read_market
from mf_etl.research.datasets.market_table import market_table
from mf_etl.research.datasets.request import DatasetRequest
from mf_etl.research.datasets.selection import Listing, selected
from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.preparation.prepare import prepare
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.runs.run import write_run
from mf_etl.schemas.declaration import HELPER, Column
from mf_etl.schemas.equal_weight_market import EQUAL_WEIGHT_MARKET
from mf_etl.schemas.gold_features import GOLD_FEATURES
from mf_etl.schemas.silver_base import SILVER_BASE

OPTIONS = ParquetOptions()
PREPARATIONS = {
    "standard, global": PreparationSpec(),
    "robust, global": PreparationSpec(scaler="robust"),
    "standard, per ticker": PreparationSpec(scaling_scope="per_ticker"),
}
CLUSTERS = ClusteringSpec(method="kmeans", n_clusters=5, n_init=1, max_iter=5)
STATES = HmmSpec(n_components=5, n_restarts=1, n_iter=3)


def layer_files(folder: Path, tickers: int, rows: int) -> list[Listing]:
    """Silver base series and gold features of as many tickers: noise of the declared dtypes."""
    days = np.datetime64("2000-01-03") + np.arange(rows) * 7 // 5
    listings = []
    for number in range(tickers):
        ticker = f"T{number:05d}.US"
        random = np.random.default_rng(number)
        close = 50 * np.exp(np.cumsum(0.02 * random.standard_normal(rows)))
        opened = close * np.exp(0.01 * random.standard_normal(rows))
        shared = {
            "ticker": ticker,
            "exchange": "NYSE",
            "trade_date": pl.Series(days, dtype=pl.Date),
            "trade_dt": pl.Series(days, dtype=pl.Date).cast(pl.Datetime("us")),
            "segment_no": 1,
            "quality_warn_count": 0,
            "open": opened,
            "high": np.maximum(opened, close) * 1.01,
            "low": np.minimum(opened, close) / 1.01,
            "close": close,
            "volume": 1e6 * np.exp(random.standard_normal(rows)),
        }
        listing = Listing(
            "NYSE", ticker, "stock", folder / f"{ticker}.base", folder / f"{ticker}.features"
        )
        for one, path in ((SILVER_BASE, listing.base), (GOLD_FEATURES, listing.features)):
            noise = {column.name: _noise(column, random, rows) for column in one.columns}
            known = {name: values for name, values in shared.items() if name in noise}
            one.write(one.frame(noise | known, rows), path, OPTIONS)
        listings.append(listing)
    return listings


def _noise(column: Column, random: np.random.Generator, rows: int) -> object:
    if column.dtype is HELPER:
        return random.standard_normal(rows)
    if column.dtype == pl.String:
        return "x"
    return random.integers(0, 2 if column.dtype == pl.Boolean else 9, rows)


def market(listings: list[Listing], folder: Path, threads: int) -> None:
    """The equal-weight market."""
    told = market_table(listings, min_adv=1e6, min_names=20, eps=1e-12, threads=threads)
    EQUAL_WEIGHT_MARKET.write(told, folder / "market.parquet", OPTIONS)


def export(listings: list[Listing], folder: Path, threads: int) -> None:
    """Export every row."""
    request = DatasetRequest()
    export_dataset(
        selected(listings, request),
        request,
        read_market(folder / "market.parquet"),
        folder / "dataset.parquet",
        folder / "metadata.json",
        options=OPTIONS,
        eps=1e-12,
        threads=threads,
    )


def prepare_matrix(spec: PreparationSpec, folder: Path, threads: int) -> None:
    """Prepare the dataset in `folder`."""
    prepare(
        folder / "dataset.parquet",
        folder / "metadata.json",
        spec,
        folder / "prepared",
        options=OPTIONS,
        threads=threads,
    )


def cluster(spec: ClusteringSpec, folder: Path, threads: int) -> None:
    """A whole clustering run of the prepared matrix, all its files included."""
    data = (folder / "prepared", folder / "dataset.parquet", "clustering")
    write_run(*data, spec, folder / "clusters", options=OPTIONS, threads=threads)


def model(spec: HmmSpec, folder: Path, threads: int) -> None:
    """A whole HMM run of the prepared matrix, all its files included."""
    data = (folder / "prepared", folder / "dataset.parquet", "hmm")
    write_run(*data, spec, folder / "hmm", options=OPTIONS, threads=threads)


def measured(work: Callable[..., None], *arguments: object) -> tuple[float, float]:
    """Wall seconds and peak anonymous memory in MB of `work` in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_observed, args=(sender, work, *arguments))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        process.join()


def _observed(sender: object, work: Callable[..., None], *arguments: object) -> None:
    peak = [0.0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], _anonymous_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        work(*arguments)
        seconds = time.perf_counter() - start
    finally:
        done.set()
        watcher.join()
    sender.send((seconds, peak[0]))


def _anonymous_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) / 1024


@click.command()
@click.option("--tickers", default=2000, help="Listings.")
@click.option("--rows", default=2400, help="Rows of each.")
@click.option("--threads", default=4, help="Threads of export and preparation.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Folder for the files.")
def main(tickers: int, rows: int, threads: int, scratch: Path | None) -> None:
    """Measure a quarter of the tickers and all of them, print, and write the section."""
    found = [("work", "rows", "seconds", "peak MB")]
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        files = layer_files(folder / "layers", tickers, rows)
        for part in (files[: max(1, tickers // 4)], files):
            count = f"{len(part) * rows:,}"
            work = {"market": (market, part), "export": (export, part)}
            work |= {f"prepare {k}": (prepare_matrix, spec) for k, spec in PREPARATIONS.items()}
            work["k-means run, 1 start of 5 iterations"] = (cluster, CLUSTERS)
            work["HMM run, 1 start of 3 iterations"] = (model, STATES)
            for label, (function, argument) in work.items():
                seconds, peak = measured(function, argument, folder, threads)
                found.append((label, count, f"{seconds:.1f}", f"{peak:.0f}"))
    lines = [f"{machine()}; {threads} threads.", "", *table(found)]
    print("\n".join(lines))
    write_section("dataset", lines)


if __name__ == "__main__":
    main()
