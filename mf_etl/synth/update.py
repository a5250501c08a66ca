"""What an evening does to an archive: new days at the end of files, and files that move."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from mf_etl.ingest.text import STANDARD_HEADER
from mf_etl.synth.archive import FIRST_DAY, bars_csv
from mf_etl.synth.folder import raw_files, read_marker, write_marker
from mf_etl.synth.listings import SUB_FOLDERS, in_other_sub_folder
from mf_etl.synth.market import market_moves, simulate_bars
from mf_etl.synth.precision import recent_precision
from mf_etl.synth.trading_days import trading_days

# A file that ends longer before the archive than this is one of a delisted ticker.
LISTED_WITHIN_DAYS = 30
# A line of a file is shorter than this.
_TAIL_BYTES = 512


@dataclass(frozen=True, slots=True)
class UpdateSummary:
    """How many files an update changed or moved, and how many rows it added."""

    files: int
    rows: int
    last_date: date


def extend_archive(out: Path, *, days: int, seed: int, share: float = 1.0) -> UpdateSummary:
    """Append `days` trading days to the archive in `out`, in a `share` of its listed tickers.

    A listed ticker is one whose file ends no more than 30 days before the archive; one that was left
    out earlier gets the days it has missed as well. Files whose last line is not of the standard
    form stay as they are, and so do files that the archive does not list. The result depends on the
    archive and the arguments alone. The truth does not grow: no regime is written for the new days.

    Raises `ValueError` if an argument is out of range or `out` holds no synthetic archive.
    """
    if days < 1:
        raise ValueError(f"days is {days}; it must be 1 or more")
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must be more than 0 and at most 1")
    _check_seed(seed)
    marker = read_marker(out)
    last_date = marker.last_date
    new_days = trading_days(
        last_date + timedelta(days=1), last_date + timedelta(days=20 + 2 * days)
    )
    new_last_date = new_days[days - 1].item()
    files = rows = 0
    for path in raw_files(out, marker):
        random = _generator(seed, path.relative_to(out), last_date)
        end = _end(path)
        if random.random() >= share or end is None:
            continue
        if end.date < last_date - timedelta(days=LISTED_WITHIN_DAYS):
            continue
        # Empty if an earlier run was interrupted after this file.
        missing = trading_days(end.date + timedelta(days=1), new_last_date)
        if not len(missing):
            continue
        bars = simulate_bars(
            missing,
            random,
            first_close=end.close,
            first_volume=end.volume,
            thin=False,
            precision=recent_precision(len(missing)),
            pays=marker.pays,
            market=None if marker.pays is None else market_moves(missing, marker.seed, FIRST_DAY),
        )
        with path.open("ab") as file:
            file.write(bars_csv(end.ticker, bars, header=False))
        files += 1
        rows += len(bars)
    write_marker(marker.model_copy(update={"last_date": new_last_date}), out)
    return UpdateSummary(files, rows, new_last_date)


def reshuffle_archive(out: Path, *, seed: int) -> UpdateSummary:
    """Move files of the archive in `out` between sub-folders and give all of them new times.

    No byte of a file changes. A file stays where it is if another one has its name in the sub-folder
    it would go to. Modification times lie within the day after the archive's last.

    Raises `ValueError` if an argument is out of range or `out` holds no synthetic archive.
    """
    _check_seed(seed)
    marker = read_marker(out)
    last_date = marker.last_date
    evening = datetime(last_date.year, last_date.month, last_date.day)
    midnight = int((evening - datetime(1970, 1, 1)).total_seconds()) + 86400
    moved = 0
    for path in raw_files(out, marker):
        random = _generator(seed, path.relative_to(out), last_date)
        step, seconds = int(random.integers(3)), int(random.integers(86400))
        target = path
        if path.parent.parent.name in SUB_FOLDERS:
            target = Path(in_other_sub_folder(path.as_posix(), step))
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
            moved += 1
        else:
            target = path
        os.utime(target, (midnight + seconds, midnight + seconds))
    return UpdateSummary(moved, 0, last_date)


@dataclass(frozen=True, slots=True)
class _End:
    ticker: str
    date: date
    close: float
    volume: float


def _end(path: Path) -> _End | None:
    """What the last line of a file says, or None if the file is not of the standard form."""
    with path.open("rb") as file:
        if file.read(len(STANDARD_HEADER) + 2) != STANDARD_HEADER + b"\r\n":
            return None
        size = file.seek(0, os.SEEK_END)
        file.seek(max(len(STANDARD_HEADER) + 2, size - _TAIL_BYTES))
        lines = file.read().split(b"\r\n")
    fields = lines[-2].decode().split(",") if len(lines) > 1 else []
    if len(fields) != 10 or lines[-1]:
        return None
    day = datetime.strptime(fields[2], "%Y%m%d").date()
    return _End(fields[0], day, float(fields[7]), max(float(fields[8]), 1.0))


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise ValueError(f"seed is {seed}; it must be 0 or more")


def _generator(seed: int, source_file: Path, last_date: date) -> np.random.Generator:
    """The random numbers of one file on one evening; the file is known by name, not sub-folder."""
    key = hashlib.blake2b(f"{source_file.name}/{last_date}".encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(key, "little")])
