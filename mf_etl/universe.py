"""Raw files to (exchange, ticker): which tickers there are, and which raw file each is built from.

A file is opened only to see whether it is one of many tickers, and sizes are asked for only where two
files claim the same ticker.
"""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from mf_etl.discovery import Entry, entries_below
from mf_etl.errors import UniverseError
from mf_etl.settings.sections import UNKNOWN_EXCHANGE
from mf_etl.settings.sections import Universe as UniverseSettings
from mf_etl.tickers import is_file_of_many_tickers, ticker_of

# What the last word of a known folder says of the tickers below it.
_INSTRUMENTS = {"stocks": "stock", "etfs": "etf"}

UNKNOWN_FOLDER = "under no known folder"
MANY_TICKERS = "many_tickers"
# Reasons that nobody has to be told of: they are asked for.
_ASKED_FOR = ("exchange not asked for",)

Role = Literal["build", "shadowed", "ignored"]


@dataclass(frozen=True, slots=True)
class RawFile:
    """A raw file, what it holds, and its role: built, shadowed by another, or ignored.

    `instrument` is `stock` or `etf`, or empty if the folder does not tell.
    """

    source_file: str
    exchange: str
    instrument: str
    ticker: str
    role: Role
    reason: str = ""


class Universe:
    """The raw files below a root and the tickers that the settings ask for.

    `is_of_many` tells of a path whether the file there is one of many tickers, which is no ticker.
    """

    def __init__(
        self,
        raw_root: Path,
        settings: UniverseSettings,
        is_of_many: Callable[[str], bool] = is_file_of_many_tickers,
    ) -> None:
        self.raw_root = raw_root
        self._settings = settings
        self._is_of_many = is_of_many

    @cached_property
    def files(self) -> list[RawFile]:
        """Every raw file with its role, ordered by exchange, ticker and path.

        Raises `UniverseError` if the raw root is not a folder.
        """
        if not self.raw_root.is_dir():
            raise UniverseError(
                f"raw root {self.raw_root} is not a folder; set paths.raw_root "
                "(MF_ETL_PATHS__RAW_ROOT) to the unpacked archive"
            )
        try:
            entries = sorted(entries_below(str(self.raw_root)))
        except OSError as error:
            raise UniverseError(
                f"raw root {self.raw_root} cannot be listed: {error.strerror}"
            ) from error
        found = [self._looked_into(self._classified(entry)) for entry in entries]
        claims: dict[tuple[str, str], list[RawFile]] = {}
        for file in found:
            if file.role == "build":
                claims.setdefault((file.exchange, file.ticker), []).append(file)
        shadowed = {
            file.source_file: winner
            for rivals in claims.values()
            if len(rivals) > 1
            for winner in [self._largest(rivals)]
            for file in rivals
            if file is not winner
        }
        roles = (
            replace(file, role="shadowed", reason=f"{shadowed[file.source_file].source_file}")
            if file.source_file in shadowed
            else file
            for file in found
        )
        return sorted(roles, key=lambda file: (file.exchange, file.ticker, file.source_file))

    @cached_property
    def listed(self) -> dict[tuple[str, str], RawFile]:
        """Every ticker that could be built: (exchange, ticker) to its raw file."""
        return {(f.exchange, f.ticker): f for f in self.files if f.role == "build"}

    @cached_property
    def tickers(self) -> list[tuple[str, str]]:
        """The (exchange, ticker) pairs to build, in order.

        Raises `UniverseError` if the settings name a ticker that is in no raw file, or if there is
        nothing to build at all.
        """
        chosen = list(self.listed)
        if self._settings.tickers is not None:
            wanted = set(self._settings.tickers)
            for ticker in sorted(wanted - {ticker for _, ticker in chosen}):
                raise UniverseError(f"universe.tickers: {self._unknown_ticker(ticker)}")
            chosen = [pair for pair in chosen if pair[1] in wanted]
        if not chosen:
            raise UniverseError(
                f"no raw file below {self.raw_root} is in a folder of a known exchange; "
                f"see universe.folders and universe.exchanges. {self.left_out()}".rstrip(" .")
            )
        return chosen[: self._settings.limit]

    def left_out(self) -> str:
        """One line on what is ignored below the raw root and why; empty if there is nothing."""
        ignored = [f for f in self.files if f.role == "ignored" and f.reason not in _ASKED_FOR]
        if not ignored:
            return ""
        parts = []
        for reason, count in Counter(file.reason for file in ignored).most_common():
            files = [file.source_file for file in ignored if file.reason == reason]
            if reason == UNKNOWN_FOLDER:
                folders = Counter(_exchange_folder(path) for path in files)
                named = _some(f"{name} {count:,}" for name, count in folders.most_common())
                parts.append(f"{count:,} {reason} ({named}; see universe.folders)")
            elif reason == MANY_TICKERS:
                what = f"file{'s' * (count > 1)} of many tickers, as Stooq's daily updates are"
                parts.append(f"{count:,} {what} ({_some(files)}; each ticker's own file is needed)")
            else:
                parts.append(f"{count:,} {reason} ({_some(files)})")
        return f"Left out below {self.raw_root}: " + ", ".join(parts)

    def file(self, exchange: str, ticker: str) -> RawFile:
        """The raw file that a ticker is built from.

        Raises `UniverseError`, with what comes near, if there is no such ticker on that exchange.
        """
        try:
            return self.listed[exchange, ticker]
        except KeyError:
            raise UniverseError(self._missing(exchange, ticker)) from None

    def raw_path(self, exchange: str, ticker: str, prefix: str | None = None) -> str:
        """Path of a ticker's raw file.

        Raises `UniverseError` as `file` does, and if `prefix`, where it is given, is not the
        ticker's first letter.
        """
        if prefix is not None and prefix != ticker[0]:
            raise UniverseError(f"the prefix of {ticker} is {ticker[0]}, not {prefix}")
        return os.path.join(str(self.raw_root), self.file(exchange, ticker).source_file)

    def _missing(self, exchange: str, ticker: str) -> str:
        for file in self.files:
            if (file.exchange, file.ticker, file.reason) == (exchange, ticker, MANY_TICKERS):
                return f"{ticker} is no ticker: {file.source_file} is a file of many tickers"
        elsewhere = sorted(market for market, name in self.listed if name == ticker)
        if elsewhere:
            return f"{ticker} is not listed on {exchange} but on {', '.join(elsewhere)}"
        return self._unknown_ticker(ticker)

    def _unknown_ticker(self, ticker: str) -> str:
        known = sorted({name for _, name in self.listed})
        near = difflib.get_close_matches(ticker, known, n=3, cutoff=0.6)
        hint = f"; near matches: {', '.join(near)}" if near else ""
        return f"{ticker} is in no raw file below {self.raw_root}{hint}"

    def _classified(self, entry: Entry) -> RawFile:
        *folders, name = entry.path.split("/")
        known = next((f for f in reversed(folders) if self._is_known(f)), self._folder_of_root)
        exchange = self._settings.folders.get(known.lower(), UNKNOWN_EXCHANGE)
        instrument = _INSTRUMENTS.get(known.lower().rpartition(" ")[2], "")
        ticker = ticker_of(name)
        if self._settings.exchanges is None:
            wanted = exchange != UNKNOWN_EXCHANGE
        else:
            wanted = exchange in self._settings.exchanges
        if entry.trouble:
            reason = entry.trouble
        elif ticker is None:
            reason = "the file name is no ticker"
        elif wanted:
            reason = ""
        elif exchange == UNKNOWN_EXCHANGE:
            reason = UNKNOWN_FOLDER
        else:
            reason = "exchange not asked for"
        role: Role = "ignored" if reason else "build"
        return RawFile(entry.path, exchange, instrument, ticker or "", role, reason)

    def _looked_into(self, file: RawFile) -> RawFile:
        """The file, ignored if it turns out to be one of many tickers."""
        path = os.path.join(str(self.raw_root), file.source_file)
        if file.role == "build" and self._is_of_many(path):
            return replace(file, role="ignored", reason=MANY_TICKERS)
        return file

    def _is_known(self, folder: str) -> bool:
        return folder.lower() in self._settings.folders

    @cached_property
    def _folder_of_root(self) -> str:
        """The known folder that the raw root is, or lies in: files there may have none below it."""
        parts = (*self.raw_root.resolve().parts, *self.raw_root.absolute().parts)
        return next((folder for folder in reversed(parts) if self._is_known(folder)), "")

    def _largest(self, rivals: list[RawFile]) -> RawFile:
        """The larger file is built; of equal ones, the first by path."""

        def size(file: RawFile) -> int:
            try:
                return os.path.getsize(os.path.join(str(self.raw_root), file.source_file))
            except OSError:
                return -1

        return min(rivals, key=lambda file: (-size(file), file.source_file))


def _exchange_folder(path: str) -> str:
    """The folder of a file whose name could tell the exchange: the nearest that is not a number."""
    folders = path.split("/")[:-1]
    return next((folder for folder in reversed(folders) if not folder.isdigit()), ".")


def _some(names: Iterable[str], limit: int = 3) -> str:
    listed = list(names)
    return ", ".join(listed[:limit]) + (", …" if len(listed) > limit else "")
