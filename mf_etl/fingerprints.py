"""Content fingerprints of raw files, remembered so that an unchanged file is read once.

A file is taken as unchanged while its size, modification time and inode are what they were when it
was read. An archive that is unpacked again is therefore hashed once more, gives the same
fingerprints, and nothing is rebuilt.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from mf_etl.errors import RawFileError
from mf_etl.io import write_json
from mf_etl.provenance import file_fingerprint

# A file written this shortly before it was read may change again without a change of its time stamp.
SETTLED_SECONDS = 2.0
READERS = 4


class Fingerprints:
    """Fingerprints by path, kept in a JSON file that can be deleted at any time."""

    def __init__(self, cache: Path) -> None:
        # Written when the process ends, and the working directory may be another then.
        self._cache = cache.absolute()
        self._known: dict[str, list] | None = None
        self._current: dict[str, str] = {}
        self._begun: dict[str, Future[None]] = {}
        self._changed = False

    def of(self, path: str) -> str:
        """Fingerprint of the file at `path`; `RawFileError` if it cannot be read."""
        if begun := self._begun.pop(path, None):
            begun.result()
        if path not in self._current:
            self._look_up(path)
        return self._current[path]

    def of_readable(self, path: str) -> str:
        """Fingerprint of the file at `path`, or a word that is none if it cannot be read."""
        try:
            return self.of(path)
        except RawFileError:
            return "unreadable"

    def prepare(self, paths: Iterable[str]) -> None:
        """Begin to take the fingerprints of many files, side by side and beside what follows.

        A file that cannot be read is left for its own job to report.
        """

        def attempt(path: str) -> None:
            with contextlib.suppress(RawFileError):
                self._look_up(path)

        self._load()
        readers = ThreadPoolExecutor(READERS)
        self._begun |= {path: readers.submit(attempt, path) for path in paths}
        readers.shutdown(wait=False)

    def save(self) -> None:
        """Write what was learnt; the cache is an aid, so a failure to write it is no error."""
        for begun in self._begun.values():
            begun.result()
        if not self._changed:
            return
        try:
            write_json(self._known, self._cache)
        except OSError:
            return
        self._changed = False

    def _look_up(self, path: str) -> None:
        known = self._load()
        try:
            status = os.stat(path)
            state = [status.st_size, status.st_mtime_ns, status.st_ino]
            entry = known.get(path)
            if entry and entry[:3] == state:
                self._current[path] = entry[3]
                return
            with open(path, "rb") as file:
                fingerprint = file_fingerprint(file)
        except OSError as error:
            raise RawFileError(f"raw file {path} cannot be read: {error.strerror}") from error
        self._current[path] = fingerprint
        if time.time() - status.st_mtime > SETTLED_SECONDS:
            known[path] = [*state, fingerprint]
            self._changed = True

    def _load(self) -> dict[str, list]:
        if self._known is None:
            try:
                known = json.loads(self._cache.read_text(encoding="utf-8"))
                self._known = known if isinstance(known, dict) else {}
            except (OSError, ValueError):
                self._known = {}
            atexit.register(self.save)
        return self._known
