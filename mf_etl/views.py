"""What has been built, by the names that it has for readers: in SQL, and from Python.

A layer has one file a ticker and is named as in `LAYER_VIEWS`; what is one file is `symbol_master`,
``datasets.<name>`` or ``runs.<id>``. Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mf_etl.catalog import aggregates, research
from mf_etl.research.runs.catalog import runs_root
from mf_etl.settings.sections import Paths

LAYER_VIEWS = {
    "bronze": "bronze_ohlcv",
    "rejects": "bronze_rejects",
    "silver_base": "silver_base",
    "indicators": "silver_indicators",
    "events": "gold_events",
    "features": "gold_features",
}
MADE_BY = {
    "bronze": "bronze",
    "rejects": "bronze",
    "quality": "bronze",
    "silver_base": "silver",
    "indicators": "indicators",
    "events": "events",
    "features": "features",
    "symbol_master": "qa",
}
"""The views that every project has, and the target that builds what they show."""

RUN_TABLES = {"clustering": "clustered_dataset.parquet", "hmm": "decoded_rows.parquet"}
"""The rows of a run with their labels, by research."""


class OneFile(NamedTuple):
    """A table that is one file; `schema` is `datasets`, `runs` or empty."""

    schema: str
    name: str
    file: Path

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


def single_files(paths: Paths) -> Iterator[OneFile]:
    """The tables that are there and are one file."""
    master = Path(aggregates(paths).symbol_master)
    if master.exists():
        yield OneFile("", "symbol_master", master)
    datasets = Path(research(paths).ml_dataset.partition("{")[0])
    for file in sorted(datasets.glob("*/dataset.parquet")):
        yield OneFile("datasets", file.parent.name, file)
    for kind, table in RUN_TABLES.items():
        for file in sorted(Path(runs_root(paths, kind)).glob(f"*/{table}")):
            yield OneFile("runs", file.parent.name, file)
