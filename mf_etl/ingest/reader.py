"""Reads a raw file: the fast path if it is well-formed, the tolerant one if not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mf_etl.errors import RawFileError
from mf_etl.ingest.fast import read_fast
from mf_etl.ingest.limits import Limits, has_long_line
from mf_etl.ingest.rows import RawRows, Status, no_rows
from mf_etl.ingest.text import HEAD_BYTES, MANY_TICKERS, holds_many_tickers
from mf_etl.ingest.tolerant import read_tolerant
from mf_etl.provenance import content_fingerprint, file_fingerprint

DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class RawContent:
    """Bytes of a raw file, None if there are more than are read; its size and fingerprint."""

    content: bytes | None
    size: int
    fingerprint: str

    @classmethod
    def of(cls, content: bytes) -> RawContent:
        """Content that is all there."""
        return cls(content, len(content), content_fingerprint(content))


def read_content(path: Path, limits: Limits) -> RawContent:
    """A raw file's content; `RawFileError` if the machine does not give it."""
    try:
        with path.open("rb") as file:
            content = file.read(limits.file_bytes + 1)
            if len(content) <= limits.file_bytes:
                return RawContent.of(content)
            file.seek(0)
            return RawContent(None, path.stat().st_size, file_fingerprint(file))
    except OSError as error:
        raise RawFileError(f"raw file {path} cannot be read: {error.strerror}") from error


def parse(raw: RawContent, ticker: str, limits: Limits = DEFAULT_LIMITS) -> RawRows:
    """Rows of the raw file of a ticker; what is wrong with its content is in them, no exception."""
    if raw.content is None:
        return _without_rows(
            "unreadable",
            f"the file has {raw.size:,} bytes and nothing of it was read; validation.max_file_mb "
            f"is {limits.file_bytes / 2**20:g}",
        )
    if holds_many_tickers(raw.content[:HEAD_BYTES], ticker):
        return _without_rows("many_tickers", MANY_TICKERS)
    if not has_long_line(raw.content, limits.line_bytes) and (rows := read_fast(raw.content)):
        return rows
    return read_tolerant(raw.content, limits.line_bytes)


def _without_rows(status: Status, message: str) -> RawRows:
    return RawRows(no_rows(), pl.Series(dtype=pl.String), status, message, False, ",", "tolerant")
