"""Tickers by the names of raw files, and files that are of no single ticker. Imports nothing heavy."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

from mf_etl.ingest.text import HEAD_BYTES, TICKER_PATTERN, holds_many_tickers

# Device names that Windows cannot create files under; some unpackers put `_` before them.
RESERVED_NAMES = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))]
)
_TICKER = re.compile(TICKER_PATTERN)


def ticker_of(file_name: str) -> str | None:
    """Ticker of a raw file by its name, upper case; None if the name is not one of a ticker."""
    stem, extension = os.path.splitext(file_name)
    if extension.lower() != ".txt" or not stem.isascii():
        return None
    ticker = stem.upper()
    if ticker.startswith("_") and ticker[1:].split(".")[0] in RESERVED_NAMES:
        ticker = ticker[1:]
    return ticker if _TICKER.fullmatch(ticker) else None


def is_file_of_many_tickers(path: str) -> bool:
    """Whether the raw file at `path` is one of many tickers; False if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return begins_with_many_tickers(file, path)
    except OSError:
        return False  # for its own job to report


def begins_with_many_tickers(file: BinaryIO, path: str) -> bool:
    """The same of a raw file that is open; it is left at its beginning."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return holds_many_tickers(head, ticker_of(Path(path).name) or "")
