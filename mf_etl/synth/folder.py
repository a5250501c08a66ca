"""The folder of a synthetic archive: what marks it as one, and which of its files are the archive's.

Only files that the archive lists are ever changed, moved or deleted.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError

from mf_etl.io import write_json
from mf_etl.synth.listings import listings, without_sub_folder

MARKER = "synthetic_archive.json"
DATA_FOLDER, TRUTH_FOLDER = "data", "truth"
REGIMES_FILE, ANOMALIES_FILE = "regimes.parquet", "anomalies.json"


class Marker(BaseModel):
    """What a folder's archive was made from, and its last trading day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    tickers: PositiveInt
    years: float
    seed: NonNegativeInt
    anomalies: bool
    last_date: date
    pays: float | None = None


def read_marker(out: Path) -> Marker:
    """The marker of the archive in `out`; `ValueError` if there is none or it is damaged."""
    try:
        return Marker.model_validate_json((out / MARKER).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{out} holds no synthetic archive; make one with write_archive") from None
    except ValidationError:
        raise ValueError(
            f"{out / MARKER} is damaged, so the archive cannot be told from other files; "
            "delete the folder yourself or name another"
        ) from None


def write_marker(marker: Marker, out: Path) -> None:
    """Make `out` the folder of the archive that `marker` tells of."""
    write_json(marker.model_dump(mode="json"), out / MARKER)


def raw_files(out: Path, marker: Marker) -> list[Path]:
    """The archive's raw files that are there, in any sub-folder of their exchange, by path."""
    known = _listed(marker)
    return [
        path
        for path in _not_folders(out / DATA_FOLDER)
        if without_sub_folder(path.relative_to(out).as_posix()) in known
    ]


def claim(out: Path) -> None:
    """Empty `out` for a new archive, if it holds nothing or nothing but a previous one.

    Raises `ValueError`, and deletes nothing, if it holds any other file.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise ValueError(f"{out} is a file; name a folder")
    known: set[str] = set()
    if (out / MARKER).is_file():
        truth = {f"{TRUTH_FOLDER}/{name}" for name in (REGIMES_FILE, ANOMALIES_FILE)}
        # A killed run may have left the first part of a file of the truth.
        partial = {f"{TRUTH_FOLDER}/.{name}.partial" for name in (REGIMES_FILE, ANOMALIES_FILE)}
        known = {MARKER} | truth | partial | _listed(read_marker(out))
    for path in _not_folders(out):
        name = path.relative_to(out).as_posix()
        if without_sub_folder(name) not in known:
            raise ValueError(
                f"{out} holds {name}, which no synthetic archive left there; "
                "name an empty or a new folder"
            )
    for folder in (DATA_FOLDER, TRUTH_FOLDER):
        if (out / folder).exists():
            shutil.rmtree(out / folder)


def _listed(marker: Marker) -> set[str]:
    """Paths of the archive's raw files, relative to its folder and without sub-folders."""
    listed = listings(marker.tickers, marker.seed, anomalies=marker.anomalies)
    return {without_sub_folder(entry.source_file) for entry in listed}


def _not_folders(folder: Path) -> Iterator[Path]:
    """All that is below `folder` and no folder, by path; a link counts as what it is: no folder."""
    yield from sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
