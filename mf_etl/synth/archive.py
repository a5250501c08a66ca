"""Writes a synthetic archive: one file a ticker, in worker processes, and what is known of it."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from mf_etl.io import write_json
from mf_etl.processes import in_processes
from mf_etl.synth.anomalies import ANOMALIES, FEWEST_ROWS, PlantedAnomaly, plant
from mf_etl.synth.folder import (
    ANOMALIES_FILE,
    REGIMES_FILE,
    TRUTH_FOLDER,
    Marker,
    claim,
    write_marker,
)
from mf_etl.synth.listings import Listing, in_other_sub_folder, listings
from mf_etl.synth.market import Bars, market_moves, simulate_bars
from mf_etl.synth.precision import standard_csv
from mf_etl.synth.trading_days import trading_days
from mf_etl.synth.truth import regime_file, regime_rows

# A new archive ends on a fixed day, because a clock would change the bytes.
LAST_DAY = date(2025, 6, 30)
FIRST_DAY = date(1962, 1, 2)
# A rule for what the folder holds; it changes when the same arguments come to mean other bytes.
FORMAT = 2
TICKERS_A_TASK = 25
ONE_ROW_SHARE, NEW_SHARE, FULL_SHARE, DELISTED_SHARE = 0.004, 0.02, 0.55, 0.1


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """What an archive holds.

    `rows` counts the bars that were simulated; an anomaly may add or take some. `anomalies` is the
    truth table of what was planted, one element a kind and file, in the order of the tickers.
    """

    out: Path
    tickers: int
    files: int
    rows: int
    size_bytes: int
    first_date: date
    last_date: date
    anomalies: tuple[PlantedAnomaly, ...]


@dataclass(frozen=True, slots=True)
class _Written:
    """What one ticker came to; `regimes` are there only if the truth is asked for."""

    rows: int
    sizes: tuple[int, ...]
    anomaly: PlantedAnomaly | None
    regimes: pa.RecordBatch | None


def write_archive(
    out: Path,
    *,
    tickers: int,
    years: float,
    seed: int,
    anomalies: bool = True,
    processes: int = 1,
    truth: bool = False,
    pays: float | None = None,
) -> ArchiveSummary:
    """Write an archive of `tickers` tickers below `out`, in the layout of the Stooq archives.

    The bars span `years` up to `LAST_DAY`; some tickers are listed later or delisted earlier. The
    same arguments give the same bytes, at any number of `processes`, and the first n tickers are
    those of any larger archive with the same seed. With `anomalies`, one ticker in twenty gets one
    kind of `ANOMALIES`, in turn. With `truth`, ``truth/regimes.parquet`` (ticker, date, regime; bars of
    tickers without anomaly) and ``truth/anomalies.json`` are written beside the raw files. With `pays`
    tickers have a market in common, and regimes are expected to pay that many times their drift: at 0
    they look different and pay nothing.

    A previous synthetic archive in `out` is replaced. Worker processes are spawned: a script that asks
    for more than one needs the usual ``if __name__ == "__main__"``.

    Raises `ValueError` if an argument is out of range or `out` holds any other file, be it among the
    archive's own folders.
    """
    first_day = _first_day(tickers, years, seed, anomalies, processes)
    claim(out)
    marker = Marker(
        format=FORMAT,
        tickers=tickers,
        years=years,
        seed=seed,
        anomalies=anomalies,
        last_date=LAST_DAY,
        pays=pays,
    )
    write_marker(marker, out)
    listed = listings(tickers, seed, anomalies=anomalies)
    for folder in sorted({path.parent for entry in listed for path in _paths(out, entry)}):
        folder.mkdir(parents=True, exist_ok=True)

    days = trading_days(first_day, LAST_DAY)
    market = None if pays is None else market_moves(days, seed, FIRST_DAY)
    write = partial(_write_ticker, out=out, marker=marker, days=days, market=market, truth=truth)
    files = rows = size_bytes = 0
    planted = []
    truth_folder = out / TRUTH_FOLDER
    with ExitStack() as stack:
        if truth:
            add_regimes = stack.enter_context(regime_file(truth_folder / REGIMES_FILE))
        for written in in_processes(write, listed, processes, at_a_time=TICKERS_A_TASK):
            files += len(written.sizes)
            rows += written.rows
            size_bytes += sum(written.sizes)
            if written.anomaly:
                planted.append(written.anomaly)
            if written.regimes:
                add_regimes(written.regimes)
    if truth:
        write_json([asdict(anomaly) for anomaly in planted], truth_folder / ANOMALIES_FILE)
    return ArchiveSummary(
        out, tickers, files, rows, size_bytes, first_day, LAST_DAY, tuple(planted)
    )


def _first_day(tickers: int, years: float, seed: int, anomalies: bool, processes: int) -> date:
    """First calendar day of the archive; `ValueError` if an argument is out of range."""
    least_values = (("tickers", tickers, 1), ("seed", seed, 0), ("processes", processes, 1))
    for name, value, least in least_values:
        if value < least:
            raise ValueError(f"{name} is {value}; it must be {least} or more")
    most = (LAST_DAY - FIRST_DAY).days / 365.25
    if not (math.isfinite(years) and 0 < years <= most):
        raise ValueError(f"years is {years}; it must be more than 0 and at most {int(most)}")
    first_day = LAST_DAY - timedelta(days=int(years * 365.25))
    days = len(trading_days(first_day, LAST_DAY))
    if days < (FEWEST_ROWS if anomalies else 1):
        raise ValueError(
            f"years is {years}, which is {days} trading days; "
            + (f"anomalies need {FEWEST_ROWS}" if anomalies else "at least one is needed")
        )
    return first_day


def _write_ticker(
    listing: Listing,
    *,
    out: Path,
    marker: Marker,
    days: np.ndarray,
    market: np.ndarray | None,
    truth: bool,
) -> _Written:
    spawned = np.random.SeedSequence(marker.seed, spawn_key=(1, listing.index))
    random = np.random.default_rng(spawned)
    draw = int(random.integers(2**32))
    listed = _lifetime(random, len(days))
    rows, thin = (slice(None), False) if listing.anomaly else (listed, None)
    part = None if market is None else market[rows]
    bars = simulate_bars(days[rows], random, thin=thin, pays=marker.pays, market=part)
    content = bars_csv(listing.ticker, bars)
    main, *second = _paths(out, listing)
    if not listing.anomaly:
        main.write_bytes(content)
        regimes = regime_rows(listing.ticker, bars) if truth else None
        return _Written(len(bars), (len(content),), None, regimes)

    anomaly = ANOMALIES[listing.anomaly]
    planted = plant(listing.anomaly, content, draw)
    contents = [content, planted.content] if second else [planted.content]
    for path, text in zip([main, *second], contents, strict=True):
        path.write_bytes(text)
    planted_anomaly = PlantedAnomaly(
        listing.anomaly,
        listing.ticker,
        listing.exchange,
        (second or [main])[0].relative_to(out).as_posix(),
        planted.lines,
        anomaly.flags,
        anomaly.rejected,
        anomaly.status,
        anomaly.role,
    )
    return _Written(len(bars), tuple(map(len, contents)), planted_anomaly, None)


def bars_csv(ticker: str, bars: Bars, *, header: bool = True) -> bytes:
    """Bytes of a Stooq file of these bars."""
    columns = [bars.date, bars.open, bars.high, bars.low, bars.close, bars.volume]
    return standard_csv(ticker, columns, header=header)


def _paths(out: Path, listing: Listing) -> list[Path]:
    """The ticker's file, and the second one if it has one."""
    paths = [out / listing.source_file]
    if listing.anomaly == "shadowed_copy":
        paths.append(out / in_other_sub_folder(listing.source_file))
    return paths


def _lifetime(random: np.random.Generator, days: int) -> slice:
    """When a ticker is listed: most to the end, a few just now, some of them not to the end."""
    kind, start_draw, end_kind, end_draw = random.random(4)
    if kind < ONE_ROW_SHARE:
        return slice(days - 1, days)
    if kind < NEW_SHARE:
        return slice(max(0, days - 2 - int(48 * start_draw)), days)
    start = 0 if kind < NEW_SHARE + FULL_SHARE else int(days * start_draw)
    end = start + 1 + int((days - start) * end_draw) if end_kind < DELISTED_SHARE else days
    return slice(start, min(end, days))
