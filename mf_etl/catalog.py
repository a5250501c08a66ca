"""Every path of the project, once.

A `Dataset` is a path pattern with wildcards. To a Snakemake rule it is a plain string; to Python it
also knows how to fill itself in, and where the log and the benchmark of its rule are.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, fields
from pathlib import Path

from mf_etl.ingest.text import TICKER_PATTERN
from mf_etl.settings.sections import DATASET_PATTERN, EXCHANGE_PATTERN, Paths

PER_TICKER = "exchange={exchange}/prefix={prefix}/ticker={ticker}"

LAYERS = ("bronze_ohlcv", "silver_base", "silver_indicators", "gold_events", "gold_features")

WILDCARD_SHAPES = {
    "layer": "|".join(LAYERS),
    "slot": r"\d+-\d+",
    "dataset": DATASET_PATTERN,
    "exchange": EXCHANGE_PATTERN,
    "prefix": "[A-Z0-9]",
    "ticker": TICKER_PATTERN,
    "asset": r"[a-z.]+",
    "research": "clustering|hmm",
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
        found = self._shape.fullmatch(path)
        return found.groupdict() if found else None

    @functools.cached_property
    def _shape(self) -> re.Pattern[str]:
        shape = re.sub(
            r"\\\{(\w+)\\\}", lambda m: f"(?P<{m[1]}>{WILDCARD_SHAPES[m[1]]})", re.escape(self)
        )
        return re.compile(shape)

    @property
    def log(self) -> str:
        """Log of one job; written only when there is something to say."""
        return "/".join([self.logs_root, self.name, *self._wildcards]) + ".log"

    @property
    def benchmark(self) -> str:
        """Benchmark file of one job."""
        return "/".join([self.logs_root, "benchmarks", self.name, *self._wildcards]) + ".tsv"

    @property
    def _wildcards(self) -> list[str]:
        return re.findall(r"\{\w+\}", self)


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


@dataclass(frozen=True)
class Research:
    """The files of datasets below the roots of one build."""

    equal_weight_market: Dataset
    flow_states_by_day: Dataset
    ml_dataset: Dataset
    ml_dataset_csv: Dataset
    ml_dataset_metadata: Dataset
    ml_dataset_request: Dataset


@dataclass(frozen=True)
class Report:
    """What people look at, below the results root of one build."""

    report_market: Dataset
    report_market_data: Dataset
    report_tickers: Dataset
    report_ticker_list: Dataset
    report_selection: Dataset
    report_ticker: Dataset
    report_runs: Dataset
    report_run: Dataset
    report_validation: Dataset
    report_build: Dataset
    report_asset: Dataset


@dataclass(frozen=True)
class Aggregates:
    """The files over the universe below the roots of one build."""

    layer_summary: Dataset
    built: Dataset
    file_manifest_current: Dataset
    file_manifest: Dataset
    symbol_master: Dataset
    symbol_master_csv: Dataset
    bronze_sanity_summary: Dataset
    bronze_sanity_by_exchange: Dataset
    bronze_sanity_by_exchange_csv: Dataset
    bronze_rows_by_year: Dataset
    bronze_rows_by_year_csv: Dataset
    problem_tickers: Dataset
    problem_tickers_csv: Dataset
    silver_run_summary: Dataset
    silver_ticker_results: Dataset
    silver_sanity_summary: Dataset
    indicators_run_summary: Dataset
    indicators_ticker_results: Dataset
    indicators_sanity_summary: Dataset
    events_run_summary: Dataset
    events_ticker_results: Dataset
    events_sanity_summary: Dataset
    features_run_summary: Dataset
    features_ticker_results: Dataset
    features_sanity_summary: Dataset
    qa_verdict: Dataset
    qa_gate: Dataset


def fingerprint_cache(paths: Paths) -> Path:
    """The cache of raw-file fingerprints, beside the data it belongs to."""
    return Path(paths.data_root, ".cache", "fingerprints.json")


def database_path(paths: Paths) -> Path:
    """The DuckDB file of views."""
    return Path(paths.data_root, "mf_etl.duckdb")


def code_cache(paths: Paths) -> Path:
    """The cache of what each module of the library holds."""
    return Path(paths.data_root, ".cache", "code.json")


def planning_folder(paths: Paths) -> Path:
    """The folder of what is known of each slot of tickers."""
    return Path(paths.data_root, ".cache", "parcels")


def former_records(paths: Paths) -> Path:
    """The folder with the records of former files, one a run under way."""
    return Path(paths.data_root, ".cache", "former")


_PATTERNS = {
    "bronze_ohlcv": f"bronze/ohlcv_by_symbol/{PER_TICKER}/part-000.parquet",
    "bronze_rejects": f"bronze/rejects_by_symbol/{PER_TICKER}/part-000.parquet",
    "bronze_quality": f"bronze/quality_by_symbol/{PER_TICKER}/quality.json",
    "silver_base": f"silver/base_series_by_symbol/{PER_TICKER}/part-000.parquet",
    "silver_indicators": f"silver/indicators_by_symbol/{PER_TICKER}/part-000.parquet",
    "gold_events": f"gold/events_by_symbol/{PER_TICKER}/part-000.parquet",
    "gold_features": f"gold/features_by_symbol/{PER_TICKER}/part-000.parquet",
}


_IN_DATA = {
    "layer_summary": "summaries/{layer}/{slot}.parquet",
    "built": "summaries/built/{layer}.json",
    "file_manifest_current": "bronze/manifests/file_manifest_current.parquet",
    "file_manifest": "bronze/manifests/file_manifest.parquet",
    "symbol_master": "bronze/symbol_master/symbol_master.parquet",
    "symbol_master_csv": "bronze/symbol_master/symbol_master.csv",
}
_IN_RESULTS = {
    "bronze_sanity_summary": "bronze_qa/bronze_sanity_summary.json",
    "bronze_sanity_by_exchange": "bronze_qa/bronze_sanity_by_exchange.parquet",
    "bronze_sanity_by_exchange_csv": "bronze_qa/bronze_sanity_by_exchange.csv",
    "bronze_rows_by_year": "bronze_qa/bronze_rows_by_year.parquet",
    "bronze_rows_by_year_csv": "bronze_qa/bronze_rows_by_year.csv",
    "problem_tickers": "bronze_qa/problem_tickers.parquet",
    "problem_tickers_csv": "bronze_qa/problem_tickers.csv",
    "silver_run_summary": "silver_run_summaries/silver_run_summary.json",
    "silver_ticker_results": "silver_run_summaries/silver_ticker_results.parquet",
    "silver_sanity_summary": "silver_qa/silver_sanity_summary.json",
    "indicators_run_summary": "indicator_run_summaries/indicators_run_summary.json",
    "indicators_ticker_results": "indicator_run_summaries/indicators_ticker_results.parquet",
    "indicators_sanity_summary": "indicator_qa/indicator_sanity_summary.json",
    "events_run_summary": "gold_event_run_summaries/events_run_summary.json",
    "events_ticker_results": "gold_event_run_summaries/events_ticker_results.parquet",
    "events_sanity_summary": "gold_event_qa/events_sanity_summary.json",
    "features_run_summary": "gold_feature_run_summaries/features_run_summary.json",
    "features_ticker_results": "gold_feature_run_summaries/features_ticker_results.parquet",
    "features_sanity_summary": "gold_feature_qa/features_sanity_summary.json",
    "qa_verdict": "qa/verdict.json",
    "qa_gate": "qa/passed.json",
}


def aggregates(paths: Paths) -> Aggregates:
    """The files over the universe of a build whose files lie below `paths`."""
    return Aggregates(
        **{
            name: Dataset(f"{root}/{pattern}", name, paths.logs_root)
            for root, patterns in ((paths.data_root, _IN_DATA), (paths.results_root, _IN_RESULTS))
            for name, pattern in patterns.items()
        }
    )


_REPORT = {
    "report_market": "index.html",
    "report_market_data": "index.js",
    "report_tickers": "tickers/index.html",
    "report_ticker_list": "tickers/index.js",
    "report_selection": "tickers/selection.json",
    "report_ticker": "tickers/exchange={exchange}/prefix={prefix}/ticker={ticker}.js",
    "report_runs": "runs/index.html",
    "report_run": "runs/{research}/{run}.html",
    "report_validation": "validation/{run}.html",
    "report_build": "build.html",
    "report_asset": "assets/{asset}",
}


def pages(paths: Paths) -> Report:
    """The pages of a build whose files lie below `paths`."""
    root = report_root(paths)
    return Report(
        **{
            name: Dataset(f"{root}/{pattern}", name, paths.logs_root)
            for name, pattern in _REPORT.items()
        }
    )


def report_root(paths: Paths) -> str:
    """Folder of all pages."""
    return f"{paths.results_root}/report"


_RESEARCH = {
    "equal_weight_market": "gold/market/equal_weight.parquet",
    "flow_states_by_day": "gold/market/flow_states_by_day.parquet",
    "ml_dataset": "gold/datasets/ml_dataset_v1/{dataset}/dataset.parquet",
    "ml_dataset_csv": "gold/datasets/ml_dataset_v1/{dataset}/dataset.csv",
    "ml_dataset_metadata": "gold/datasets/ml_dataset_v1/{dataset}/metadata.json",
    "ml_dataset_request": "gold/datasets/ml_dataset_v1/{dataset}/request.yaml",
}


def research(paths: Paths) -> Research:
    """The files of datasets of a build whose files lie below `paths`."""
    return Research(
        **{
            name: Dataset(f"{paths.data_root}/{pattern}", name, paths.logs_root)
            for name, pattern in _RESEARCH.items()
        }
    )


def run_history(paths: Paths) -> Path:
    """The folder with one record a run."""
    return Path(paths.results_root, "run_history")


def catalog(paths: Paths) -> Catalog:
    """The catalogue of a build whose files lie below `paths`."""
    return Catalog(
        **{
            name: Dataset(f"{paths.data_root}/{pattern}", name, paths.logs_root)
            for name, pattern in _PATTERNS.items()
        }
    )
