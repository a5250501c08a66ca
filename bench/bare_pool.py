"""The five steps of every ticker in a plain process pool: what a workflow engine is measured against.

``python -m bench.bare_pool RAW_ROOT DATA_ROOT PROCESSES``; same functions, same files, no Snakemake.
"""

from __future__ import annotations

import os
import sys

for variable in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.steps import five_steps, script, settings
from mf_etl.catalog import catalog
from mf_etl.provenance import content_fingerprint
from mf_etl.settings.model import load_settings
from mf_etl.settings.sections import Paths
from mf_etl.universe import Universe


def one_ticker(task: tuple[str, str, str, str, str]) -> None:
    """One ticker from raw file to features."""
    raw, data_root, exchange, ticker, source_file = task
    fingerprint = content_fingerprint(Path(raw).read_bytes())
    data = catalog(Paths(data_root=data_root))
    five_steps(Path(raw), data, exchange, ticker, source_file, fingerprint)


def last_layer(task: tuple[str, str, str, str]) -> None:
    """Features of one ticker below another data root, from the events of a build."""
    built_root, data_root, exchange, ticker = task
    events = catalog(Paths(data_root=built_root)).gold_events
    features = catalog(Paths(data_root=data_root)).gold_features
    script("gold_features").main(
        Path(events.path(exchange=exchange, ticker=ticker)),
        Path(features.path(exchange=exchange, ticker=ticker)),
        settings=settings("gold_features"),
        code="bench",
    )


def main(raw_root: str, data_root: str, processes: str, built_root: str = "") -> None:
    """Build every ticker below `raw_root`; only the last layer, from that `built_root` if given."""
    universe = Universe(Path(raw_root), load_settings(environment={}).universe)
    tasks = [
        (universe.raw_path(*pair), data_root, *pair, universe.file(*pair).source_file)
        for pair in universe.tickers
    ]
    work: Callable[..., None] = one_ticker
    if built_root:
        tasks = [(built_root, data_root, *pair) for pair in universe.tickers]
        work = last_layer
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(int(processes), mp_context=spawn) as pool:
        for _ in pool.map(work, tasks, chunksize=4):
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
