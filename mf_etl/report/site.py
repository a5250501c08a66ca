"""What the server of pages answers: files of the report and of the catalogue, charts made on demand."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from mf_etl.catalog import Catalog, Dataset
from mf_etl.errors import MfEtlError
from mf_etl.report.reading import RunFiles, RunView, TickerFiles, read_ticker, views_of_runs
from mf_etl.report.ticker import ticker_script, without_rows

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".yaml": "text/plain; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
}
"""What is served, by the end of a name; nothing else is."""

KEPT = 64
"""Charts that are kept, for as long as their files stay the same."""

TRIES, PAUSE_SECONDS = 20, 0.1
"""A ticker that is being rebuilt is looked at again so often, so long apart."""


class Answer(NamedTuple):
    """What to send: a status, and text, a file, or the place to go to."""

    status: int
    kind: str = "text/plain; charset=utf-8"
    body: bytes = b""
    file: Path | None = None
    location: str = ""


@dataclass(frozen=True)
class Places:
    """Where things are: `results` is the root of all addresses, and what follows is below it.

    `report` is the folder of pages, `files` are the patterns of the catalogue whose files may be read
    besides, `ticker` is that of the data file of a chart.
    """

    results: Path
    report: str
    files: tuple[str, ...]
    ticker: Dataset


class Charts:
    """Data files of tickers, made when they are asked for."""

    def __init__(self, data: Catalog, runs: Callable[[], Iterable[RunFiles]]) -> None:
        """`runs` tells of the runs whose states are shown, those that are finished."""
        self._data = data
        self._runs = runs
        self._made: OrderedDict[tuple[str, str], tuple[object, bytes]] = OrderedDict()
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()
        self._views: tuple[object, list[RunView]] = (None, [])

    def script(self, exchange: str, ticker: str) -> bytes | None:
        """The data file of a ticker; None if nothing of it has been built.

        Of one that is being rebuilt, once it is whole again; else the page says so.
        """
        pair = exchange, ticker
        with self._lock:
            lock = self._locks.setdefault(pair, threading.Lock())
        with lock:
            for _ in range(TRIES):
                files = self._files(pair)
                stamps = self._stamps(files)
                if not any(stamps[: len(files)]):
                    return None
                known = self._made.get(pair)
                if known and known[0] == stamps and all(stamps[: len(files)]):
                    return known[1]
                try:
                    data = read_ticker(exchange, ticker, files, self._shown())
                except (MfEtlError, OSError, ValueError):
                    time.sleep(PAUSE_SECONDS)
                    continue
                made = ticker_script(data).encode()
                if stamps == self._stamps(files):  # no file was replaced while they were read
                    self._keep(pair, stamps, made)
                    return made
            why = "is being rebuilt; load the page again in a moment"
            return ticker_script(without_rows(exchange, ticker, why)).encode()

    def _keep(self, pair: tuple[str, str], stamps: object, made: bytes) -> None:
        with self._lock:
            self._made[pair] = stamps, made
            self._made.move_to_end(pair)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)

    def _files(self, pair: tuple[str, str]) -> TickerFiles:
        exchange, ticker = pair
        return TickerFiles(
            *(
                dataset.path(exchange=exchange, ticker=ticker)
                for dataset in (
                    self._data.bronze_ohlcv,
                    self._data.bronze_rejects,
                    self._data.bronze_quality,
                    self._data.gold_events,
                )
            )
        )

    def _stamps(self, files: TickerFiles) -> tuple[object, ...]:
        runs = [file for run in self._runs() for file in (run.labelled, run.profile)]
        return tuple(map(_stamp, (*files, *runs)))

    def _shown(self) -> list[RunView]:
        """The views of the runs, read again when a run is another."""
        runs = list(self._runs())
        stamps = [(run, _stamp(run.profile)) for run in runs]
        with self._lock:
            if self._views[0] != stamps:
                self._views = stamps, views_of_runs(runs)
            return self._views[1]


class Site:
    """Answers addresses. Nothing outside of the report and the catalogue's files is read."""

    def __init__(
        self,
        places: Places,
        charts: Charts,
        is_listed: Callable[[str, str], bool],
        run_page: Callable[[str], str | None],
    ) -> None:
        """`is_listed` tells whether a ticker is of the universe; `run_page` makes the page of a run by
        its address below the report, None if there is no such run."""
        self._places = places
        self._charts = charts
        self._is_listed = is_listed
        self._run_page = run_page
        self._patterns = [re.compile(_shape(pattern)) for pattern in places.files]

    def answer(self, target: str) -> Answer:
        """What to send for the target of a request, such as ``/report/index.html?x``."""
        path = unquote(target.split("#")[0].split("?")[0], errors="strict")
        report = self._places.report
        if path in ("/", f"/{report}", f"/{report}/"):
            return Answer(302, location=f"/{report}/index.html")
        parts = path.split("/")[1:]
        if not path.startswith("/") or not all(map(_is_plain, parts)):
            return _missing()
        relative = "/".join(parts)
        file = self._places.results / relative
        if (found := self._places.ticker.wildcards(relative)) is not None:
            return self._chart(found)
        kind = TYPES.get(file.suffix)
        is_page = relative.startswith(f"{report}/")
        is_known = is_page or any(shape.fullmatch(relative) for shape in self._patterns)
        if kind is None or not is_known:
            return _missing()
        if file.is_file() and self._lies_inside(file):
            return Answer(200, kind, file=file)
        if is_page and (text := self._run_page(relative.removeprefix(f"{report}/"))) is not None:
            return Answer(200, kind, text.encode())
        return _missing()

    def _chart(self, found: dict[str, str]) -> Answer:
        exchange, ticker = found["exchange"], found["ticker"]
        if found["prefix"] != ticker[0] or not self._is_listed(exchange, ticker):
            return _missing()
        text = self._charts.script(exchange, ticker)
        return _missing() if text is None else Answer(200, TYPES[".js"], text)

    def _lies_inside(self, file: Path) -> bool:
        """Whether a file is where its name says: a link that leads out is not followed."""
        return file.resolve().is_relative_to(self._places.results.resolve())


def _is_plain(part: str) -> bool:
    """Whether a part of an address is a name and nothing else."""
    return (
        bool(part)
        and not part.startswith(".")
        and not any(sign in part for sign in "\\/:\0")
        and part.isprintable()
    )


def _shape(pattern: str) -> str:
    return re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(pattern))


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _missing() -> Answer:
    return Answer(404, body=b"There is no such page here.\n")
