"""A ticker's data from its files: the same for the target and for the server of pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from mf_etl.errors import MfEtlError
from mf_etl.report.ticker import BARS, EVENTS, Labelled, ticker_data
from mf_etl.report.views import ShownView, run_views, unique_names
from mf_etl.research.models.views import View
from mf_etl.schemas.bronze_ohlcv import BRONZE_OHLCV, BRONZE_REJECTS
from mf_etl.schemas.gold_events import GOLD_EVENTS


class RunFiles(NamedTuple):
    """Files of a finished run whose states are shown."""

    research: str
    run: str
    labelled: str
    profile: str


class TickerFiles(NamedTuple):
    """Files of a ticker."""

    bars: str
    rejects: str
    quality: str
    events: str


class RunView(NamedTuple):
    """A view of a run, and the file and declaration of its labels."""

    file: Path
    view: View
    shown: ShownView


def views_of_runs(runs: Sequence[RunFiles]) -> list[RunView]:
    """Every view of these runs, with names that differ."""
    found = [
        RunView(Path(run.labelled), view, shown)
        for run in runs
        for view, shown in run_views(
            run.research, run.run, pl.read_parquet(run.profile, glob=False)
        )
    ]
    names = unique_names([each.shown for each in found])
    return [each._replace(shown=shown) for each, shown in zip(found, names, strict=True)]


def read_ticker(
    exchange: str, ticker: str, files: TickerFiles, views: Sequence[RunView]
) -> dict[str, Any]:
    """What the page of a ticker shows (`ticker_data`), from its files and those of runs.

    Raises `MfEtlError` if its layers are of different days: one has been built anew, the other not yet.
    """
    bars = BRONZE_OHLCV.read(Path(files.bars), BARS)
    events = GOLD_EVENTS.read(Path(files.events), EVENTS)
    if not bars["trade_date"].equals(events["trade_date"]):
        raise MfEtlError(f"{ticker}: its layers are of different days; it is being rebuilt")
    return ticker_data(
        exchange,
        ticker,
        bars=bars,
        rejects=BRONZE_REJECTS.read(Path(files.rejects)),
        events=events,
        quality=json.loads(Path(files.quality).read_text(encoding="utf-8")),
        labelled=_labelled(exchange, ticker, views),
    )


def _labelled(exchange: str, ticker: str, views: Sequence[RunView]) -> list[Labelled]:
    """The ticker's labels in each view; views that have no row of it are left out."""
    found, read = [], {}
    for file, view, shown in views:
        if file not in read:
            columns = [other.view.column for other in views if other.file == file]
            read[file] = (
                pl.scan_parquet(file, glob=False)
                .filter((pl.col("ticker") == ticker) & (pl.col("exchange") == exchange))
                .select("trade_date", "period", *dict.fromkeys(columns))
                .collect()
            )
        rows = read[file].select("trade_date", "period", label=view.column)
        if rows.height:
            found.append(Labelled(shown, rows))
    return found
