"""Shared helpers: raw text of chosen bars, simulated bars, and the bundled sample."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, settings

from mf_etl.bronze.build import Bronze, Origin, Thresholds, bronze
from mf_etl.ingest.reader import RawContent

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "tests" / "data" / "stooq"
HEADER = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"

# Compiled modules are kept: each process of a build would compile the library anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile(
    "project", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("project")


def raw_row(date: str, *values: object, ticker: str = "T.US", **other: object) -> str:
    """One raw line: open, high, low, close, volume, and `per`, `time`, `openint` by name."""
    prices = ",".join(str(value) for value in (values or (10, 11, 9, 10.5, 1000)))
    fields = {"per": "D", "time": "000000", "openint": 0} | other
    return f"{ticker},{fields['per']},{date},{fields['time']},{prices},{fields['openint']}"


def raw_file(*rows: str, header: str = HEADER, end: str = "\r\n") -> bytes:
    """A raw file of these lines."""
    return "".join(line + end for line in (header, *rows) if line is not None).encode()


def bronze_of(content: bytes, ticker: str = "T.US", **options: Any) -> Bronze:
    """Bronze results of raw bytes with default settings and these `options`."""
    return bronze(
        RawContent.of(content),
        Origin(ticker, "NYSE", "nyse stocks/1/t.us.txt", "0123456789ab"),
        **{"thresholds": Thresholds(), "price_spike_factor": 5.0} | options,
    )


def simulated_bars(
    rows: int, seed: int = 0, *, quiet: float = 0.1, holes: tuple[int, ...] = ()
) -> pl.DataFrame:
    """`BRONZE_OHLCV` bars of a random walk; some bars have no range, some no volume.

    A gap of more than a year comes before each of the rows in `holes`.
    """
    random = np.random.default_rng(seed)
    close = np.round(50 * np.exp(np.cumsum(random.normal(0, 0.03, rows))), 4) + 0.01
    open_ = np.round(close * np.exp(random.normal(0, 0.02, rows)), 4) + 0.01
    high = np.maximum(open_, close) + np.round(random.exponential(0.5, rows), 4)
    low = np.maximum(np.minimum(open_, close) - np.round(random.exponential(0.5, rows), 4), 0.01)
    flat = random.random(rows) < quiet
    open_, high, low = (np.where(flat, close, x) for x in (open_, high, low))
    volume = np.where(random.random(rows) < quiet / 2, 0.0, random.integers(1, 10**7, rows))
    steps = random.integers(1, 5, rows)
    steps[[hole for hole in holes if hole < rows]] += 400
    days = np.datetime64("2001-01-01") + np.cumsum(steps)
    lines = [
        raw_row(str(day).replace("-", ""), *bar)
        for day, *bar in zip(days, open_, high, low, close, volume, strict=True)
    ]
    return bronze_of(raw_file(*lines)).bars


@pytest.fixture(scope="session")
def sample_bars() -> pl.DataFrame:
    """Valid bars of AAPL from the bundled sample."""
    path = SAMPLE / "data" / "daily" / "us" / "nasdaq stocks" / "1" / "aapl.us.txt"
    return bronze_of(path.read_bytes(), "AAPL.US").bars


def once_a_run(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """A folder that is built once for all processes of a test run: for copies."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, built = root / name, root / f"{name}.built"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            shutil.rmtree(folder, ignore_errors=True)
            build(folder)
            built.touch()
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A project in which everything is built.

    Compiled loops are cached beside their source, from where the projects of later tests have them.
    """
    from tests.workflow.conftest import new_project

    def build(folder: Path) -> None:
        project = new_project(folder)
        shutil.rmtree(folder / "mf_etl")
        (folder / "mf_etl").symlink_to(ROOT / "mf_etl")
        project.snakemake("--cores", "4")

    return once_a_run(tmp_path_factory, "template", build)


@pytest.fixture(scope="session")
def research_template(tmp_path_factory) -> Path:
    """A project for research runs (`research_project`) in which the dataset is built."""
    from tests.workflow.research import research_project

    def build(folder: Path) -> None:
        research_project(folder).snakemake("--cores", "4", "dataset")

    return once_a_run(tmp_path_factory, "research_template", build)
