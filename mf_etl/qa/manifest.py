"""The manifest of raw files: what is new, changed, unchanged, shadowed or ignored."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from mf_etl.schemas.universe_tables import FILE_MANIFEST
from mf_etl.universe import RawFile


def manifest(
    files: Iterable[RawFile],
    raw_root: Path,
    fingerprint: Callable[[str], str | None],
    stable: pl.DataFrame | None,
) -> pl.DataFrame:
    """One `FILE_MANIFEST` row a raw file.

    A file is known by exchange and ticker, not by its path: one that moved to another sub-folder is
    unchanged. `fingerprint` gives the fingerprint of a path, or None if it cannot be read; `stable`
    is the manifest of the last completed full build.
    """
    known = _fingerprints(stable)
    rows = [_row(file, raw_root, fingerprint, known) for file in files]
    return pl.DataFrame(rows, schema=FILE_MANIFEST.schema(), orient="row").sort("source_file")


def status_counts(manifest: pl.DataFrame) -> dict[str, int]:
    """Files by status."""
    return dict(manifest.group_by("status").len().sort("status").rows())


def _fingerprints(stable: pl.DataFrame | None) -> dict[tuple[str, str], str | None]:
    if stable is None:
        return {}
    built = stable.filter(~pl.col("status").is_in(["SHADOWED", "IGNORED"]))
    return {
        (exchange, ticker): content
        for exchange, ticker, content in built.select("exchange", "ticker", "fingerprint").rows()
    }


def _row(
    file: RawFile,
    raw_root: Path,
    fingerprint: Callable[[str], str | None],
    known: dict[tuple[str, str], str | None],
) -> dict[str, Any]:
    path = os.path.join(str(raw_root), file.source_file)
    size, mtime = _size_and_time(path)
    content = fingerprint(path) if file.role == "build" else None
    return {
        "source_file": file.source_file,
        "exchange": file.exchange,
        "instrument": file.instrument or None,
        "ticker": file.ticker or None,
        "bytes": size,
        "fingerprint": content,
        "mtime": mtime,
        "status": _status(file, content, known),
        "reason": file.reason or None,
    }


def _status(file: RawFile, content: str | None, known: dict[tuple[str, str], str | None]) -> str:
    if file.role != "build":
        return file.role.upper()
    pair = (file.exchange, file.ticker)
    if pair not in known:
        return "NEW"
    return "UNCHANGED" if content is not None and known[pair] == content else "CHANGED"


def _size_and_time(path: str) -> tuple[int | None, datetime | None]:
    try:
        status = os.stat(path)
    except OSError:
        return None, None
    return status.st_size, datetime.fromtimestamp(status.st_mtime, UTC).replace(tzinfo=None)
