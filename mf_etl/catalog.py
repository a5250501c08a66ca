"""Every path of the project, once.

A `Dataset` is a path pattern with wildcards. To a Snakemake rule it is a plain string; to Python it
also knows how to fill itself in, and where the log and the benchmark of its rule are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path

from mf_etl.settings.sections import EXCHANGE_PATTERN, TICKER_PATTERN, Paths

PER_TICKER = "exchange={exchange}/prefix={prefix}/ticker={ticker}"

WILDCARD_SHAPES = {
    "exchange": EXCHANGE_PATTERN,
    "prefix": "[A-Z0-9]",
    "ticker": TICKER_PATTERN,
}


class Dataset(str):
    """A path pattern such as ``data/silver/…/ticker={ticker}/part-000.parquet``."""

    name: str
    logs_root: str

    def __new__(cls, pattern: str, name: str = "", logs_root: str = "logs") -> Dataset:
        dataset = super().__new__(cls, pattern)
        dataset.name = name
        dataset.logs_root = logs_root
        return dataset

    def path(self, **wildcards: str) -> str:
        """The file for these wildcards; `prefix` follows from `ticker`."""
        if "ticker" in wildcards:
            wildcards.setdefault("prefix", wildcards["ticker"][0])
        return self.format(**wildcards)

    def wildcards(self, path: str) -> dict[str, str] | None:
        """The wildcards that make `path` of this pattern, or None if it is another file's path."""
        shape = re.sub(
            r"\\\{(\w+)\\\}", lambda m: f"(?P<{m[1]}>{WILDCARD_SHAPES[m[1]]})", re.escape(self)
        )
        found = re.fullmatch(shape, path)
        return found.groupdict() if found else None

    @property
    def log(self) -> str:
        """Log of one job; written only when there is something to say."""
        return f"{self.logs_root}/{self.name}/{{exchange}}/{{prefix}}/{{ticker}}.log"

    @property
    def benchmark(self) -> str:
        """Benchmark file of one job."""
        return f"{self.logs_root}/benchmarks/{self.name}/{{exchange}}/{{prefix}}/{{ticker}}.tsv"


@dataclass(frozen=True)
class Catalog:
    """The datasets below the roots of one build."""

    bronze_ohlcv: Dataset
    bronze_rejects: Dataset
    bronze_quality: Dataset
    silver_base: Dataset
    silver_indicators: Dataset
    gold_events: Dataset
    gold_features: Dataset

    def per_ticker(self) -> list[Dataset]:
        """The datasets with one file a ticker, in flow order."""
        return [getattr(self, field.name) for field in fields(self)]


def fingerprint_cache(paths: Paths) -> Path:
    """The cache of raw-file fingerprints, beside the data it belongs to."""
    return Path(paths.data_root, ".cache", "fingerprints.json")


def settled_record(paths: Paths) -> Path:
    """The record of tickers with nothing to do."""
    return Path(paths.data_root, ".cache", "settled.json")


_PATTERNS = {
    "bronze_ohlcv": f"bronze/ohlcv_by_symbol/{PER_TICKER}/part-000.parquet",
    "bronze_rejects": f"bronze/rejects_by_symbol/{PER_TICKER}/part-000.parquet",
    "bronze_quality": f"bronze/quality_by_symbol/{PER_TICKER}/quality.json",
    "silver_base": f"silver/base_series_by_symbol/{PER_TICKER}/part-000.parquet",
    "silver_indicators": f"silver/indicators_by_symbol/{PER_TICKER}/part-000.parquet",
    "gold_events": f"gold/events_by_symbol/{PER_TICKER}/part-000.parquet",
    "gold_features": f"gold/features_by_symbol/{PER_TICKER}/part-000.parquet",
}


def catalog(paths: Paths) -> Catalog:
    """The catalogue of a build whose files lie below `paths`."""
    return Catalog(
        **{
            name: Dataset(f"{paths.data_root}/{pattern}", name, paths.logs_root)
            for name, pattern in _PATTERNS.items()
        }
    )
