"""The tickers of a part of a run, as the run of the whole has found them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from mf_etl.errors import UniverseError
from mf_etl.universe import RawFile


class Part:
    """Raw files of a few tickers, and their fingerprints: nothing is scanned or read again.

    `members` are exchange, ticker, path of the raw file, instrument and fingerprint of each.
    """

    def __init__(self, raw_root: str, members: Iterable[Sequence[str]]) -> None:
        self._raw_root = raw_root
        self._files: dict[tuple[str, str], RawFile] = {}
        self._fingerprints: dict[tuple[str, str], str] = {}
        for exchange, ticker, source_file, instrument, fingerprint in members:
            file = RawFile(source_file, exchange, instrument, ticker, "build")
            self._files[exchange, ticker] = file
            self._fingerprints[exchange, ticker] = fingerprint

    def file(self, exchange: str, ticker: str) -> RawFile:
        """The raw file that a ticker is built from; `UniverseError` if it is not of this part."""
        try:
            return self._files[exchange, ticker]
        except KeyError:
            raise UniverseError(f"{ticker} on {exchange} is not of this part") from None

    def raw_path(self, exchange: str, ticker: str, prefix: str | None = None) -> str:
        """Path of a ticker's raw file."""
        return os.path.join(self._raw_root, self.file(exchange, ticker).source_file)

    def content(self, exchange: str, ticker: str) -> str:
        """Fingerprint of a ticker's raw file."""
        return self._fingerprints[exchange, ticker]
