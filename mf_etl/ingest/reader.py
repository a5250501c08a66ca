"""Reads a raw file: the fast path if it is well-formed, the tolerant one if not."""

from __future__ import annotations

from pathlib import Path

from mf_etl.errors import RawFileError
from mf_etl.ingest.fast import read_fast
from mf_etl.ingest.rows import RawRows
from mf_etl.ingest.tolerant import read_tolerant


def read_content(path: Path) -> bytes:
    """Bytes of a raw file; `RawFileError` if the machine does not give them."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RawFileError(f"raw file {path} cannot be read: {error.strerror}") from error


def parse(content: bytes) -> RawRows:
    """Rows of a raw file's `content`; what is wrong with it is in the rows, never an exception."""
    return read_fast(content) or read_tolerant(content)
