"""A layer's tickers, one row each, from what their files tell about themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl.catalog import Catalog
from mf_etl.schemas.layer_summary import LAYER_SUMMARY
from mf_etl.schemas.statistics import read_statistics


@dataclass(frozen=True, slots=True)
class LayerFile:
    """A ticker's file of a layer; `report` is its quality report, for bronze only."""

    exchange: str
    ticker: str
    path: Path
    report: Path | None = None


def layer_summary(
    files: Sequence[LayerFile],
    missing: Mapping[tuple[str, str], tuple[str, str]],
    instruments: Mapping[tuple[str, str], str],
) -> pl.DataFrame:
    """The `LAYER_SUMMARY` of files that are there and of tickers that are `missing`.

    `missing` gives for (exchange, ticker) the path that should be and the reason why it is not;
    `instruments` whether it is a stock or an ETF, where that is known.
    """
    rows = [_row(file) for file in files]
    rows += [
        {"exchange": exchange, "ticker": ticker, "path": path, "success": False, "error": reason}
        for (exchange, ticker), (path, reason) in missing.items()
    ]
    complete = [
        {"statistics": [], "flags": []}
        | row
        | {"instrument": instruments.get((row["exchange"], row["ticker"])) or None}
        for row in rows
    ]
    frame = pl.DataFrame(complete, schema=LAYER_SUMMARY.schema(), strict=True)
    return frame.sort("exchange", "ticker")


def layer_file(data: Catalog, layer: str, exchange: str, ticker: str) -> LayerFile:
    """The file of a ticker in a layer."""
    path = Path(getattr(data, layer).path(exchange=exchange, ticker=ticker))
    report = Path(data.bronze_quality.path(exchange=exchange, ticker=ticker))
    return LayerFile(exchange, ticker, path, report if layer == "bronze_ohlcv" else None)


def read_summaries(paths: Sequence[Path]) -> pl.DataFrame:
    """The `LAYER_SUMMARY` of all slots as one, whatever the slots."""
    return pl.read_parquet(list(paths), glob=False).sort("exchange", "ticker")


TOLD = 10


def refusal(summary: pl.DataFrame) -> str:
    """Which tickers are missing, and why; empty if none is."""
    failed = summary.filter(~pl.col("success"))
    if failed.is_empty():
        return ""
    lines = [
        error or ticker for ticker, error in failed.head(TOLD).select("ticker", "error").rows()
    ]
    more = f"; and {failed.height - TOLD} more" if failed.height > TOLD else ""
    noun = "ticker" if failed.height == 1 else "tickers"
    return f"{failed.height:,} {noun} could not be built: {'; '.join(lines)}{more}"


def why_missing(summary: pl.DataFrame, exchange: str, ticker: str) -> str:
    """Why a ticker's file is not there; empty if it is."""
    row = summary.row(
        by_predicate=(pl.col("exchange") == exchange) & (pl.col("ticker") == ticker), named=True
    )
    return "" if row["success"] else row["error"] or "it could not be built"


def _row(file: LayerFile) -> dict[str, Any]:
    statistics = read_statistics(file.path)
    rows = next(int(item["value"]) for item in statistics if item["statistic"] == "rows")
    row = {
        "exchange": file.exchange,
        "ticker": file.ticker,
        "path": file.path.as_posix(),
        "success": True,
        "rows": rows,
        "statistics": statistics,
    }
    return row if file.report is None else row | _from_report(file.report)


def _from_report(path: Path) -> dict[str, Any]:
    report = json.loads(path.read_text(encoding="utf-8"))
    days = (report["first_trade_date"], report["last_trade_date"])
    first, last = (date.fromisoformat(day) if day else None for day in days)
    copied = ("source_file", "source_bytes", "status", "message", "rows_total", "rows_rejected")
    return {
        **{name: report[name] for name in copied},
        "price_spikes": len(report["price_spikes"]),
        "price_blocks": sum(step["block"] is not None for step in report["price_steps"]),
        "segments": len(report["segments"]),
        "first_trade_date": first,
        "last_trade_date": last,
        "flags": [
            {"statistic": "rows", "column": name, "key": "", "value": float(count)}
            for name, count in report["flags"].items()
        ],
    }


def statistics_of(summary: pl.DataFrame) -> pl.DataFrame:
    """The statistics of all tickers as rows: exchange, ticker, statistic, column, key, value."""
    return _unnested(summary, "statistics")


def flags_of(summary: pl.DataFrame) -> pl.DataFrame:
    """Rows by flag of all tickers: exchange, ticker, column, value."""
    return _unnested(summary, "flags").select("exchange", "ticker", "column", "value")


def _unnested(summary: pl.DataFrame, name: str) -> pl.DataFrame:
    listed = summary.select("exchange", "ticker", name).filter(pl.col(name).list.len() > 0)
    return listed.explode(name).unnest(name)
