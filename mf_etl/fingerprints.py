"""Content fingerprints of raw files, remembered so that an unchanged file is read once.

A file is taken as unchanged while its size, modification time, inode and change time are what they
were when it was read. The change time is set by the system alone: it tells of a file that was
overwritten, or removed and copied again, with its size and modification time kept. An archive that is
unpacked again is therefore hashed once more, gives the same fingerprints, and nothing is rebuilt.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from mf_etl.errors import RawFileError
from mf_etl.io import write_json
from mf_etl.provenance import file_fingerprint
from mf_etl.tickers import begins_with_many_tickers, is_file_of_many_tickers

# A file changed this shortly before it was read may change again without a change of its time stamp.
SETTLED_SECONDS = 2.0
READERS = 4
# Fewer are read sooner than a process has started.
WORTH_A_PROCESS = 20
_READ_BESIDE = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from mf_etl.fingerprints import read_beside; read_beside()"
)


class _Found(NamedTuple):
    """What was read of a file; `state` is what `_state` said before that."""

    path: str
    state: list[int]
    is_of_many: bool
    fingerprint: str
    read_at: float


class Fingerprints:
    """Fingerprints by path, kept in a JSON file that can be deleted at any time."""

    def __init__(self, cache: Path) -> None:
        # Written when the process ends, and the working directory may be another then.
        self._cache = cache.absolute()
        self._known: dict[str, list[Any]] | None = None
        self._current: dict[str, str] = {}
        self._is_of_many: dict[str, bool] = {}
        self._doubted: set[str] = set()
        self._begun: _Beside | None = None
        self._changed = False

    def of(self, path: str) -> str:
        """Fingerprint of the file at `path`; `RawFileError` if it cannot be read."""
        if path not in self._current:
            self._take_what_was_begun()
        if not self._is_known(path):
            try:
                self._learn(_read(path))
            except OSError as error:
                raise RawFileError(f"raw file {path} cannot be read: {error.strerror}") from error
        return self._current[path]

    def of_readable(self, path: str) -> str:
        """Fingerprint of the file at `path`, or a word that is none if it cannot be read."""
        try:
            return self.of(path)
        except RawFileError:
            return "unreadable"

    def is_of_many(self, path: str) -> bool:
        """Whether the file at `path` is one of many tickers; only its beginning is read."""
        if not self._is_known(path) and path not in self._is_of_many:
            self._is_of_many[path] = is_file_of_many_tickers(path)
        return self._is_of_many[path]

    def doubt(self, path: str) -> None:
        """Read the file at `path` anew, once, whatever is remembered of it."""
        if path not in self._doubted:
            self._doubted.add(path)
            self._current.pop(path, None)
            self._changed |= self._load().pop(path, None) is not None

    def prepare(self, paths: Iterable[str]) -> None:
        """Begin to take the fingerprints of many files, beside what follows.

        In a process of its own, as a thread and the plan that is made meanwhile would hold each
        other up. A file that cannot be read is left for its own job to report.
        """
        self._take_what_was_begun()
        unknown = [path for path in paths if not self._is_known(path)]
        if len(unknown) >= WORTH_A_PROCESS:
            self._begun = _Beside(unknown)

    def save(self) -> None:
        """Write what was learnt; the cache is an aid, so a failure to write it is no error."""
        self._take_what_was_begun()
        if not self._changed:
            return
        try:
            write_json(self._known, self._cache)
        except (OSError, UnicodeEncodeError):  # a path may hold bytes that are no text
            return
        self._changed = False

    def _is_known(self, path: str) -> bool:
        if path in self._current:
            return True
        if entry := self._load().get(path):
            with contextlib.suppress(OSError):
                if entry[:-2] == _state(path):
                    self._is_of_many[path], self._current[path] = entry[-2:]
                    return True
        return False

    def _learn(self, found: _Found) -> None:
        self._current[found.path] = found.fingerprint
        self._is_of_many[found.path] = found.is_of_many
        if found.read_at - found.state[-1] / 1e9 > SETTLED_SECONDS:
            self._load()[found.path] = [*found.state, found.is_of_many, found.fingerprint]
            self._changed = True

    def _take_what_was_begun(self) -> None:
        begun, self._begun = self._begun, None
        for found in begun.result() if begun else ():
            self._learn(found)

    def _load(self) -> dict[str, list[Any]]:
        if self._known is None:
            try:
                known = json.loads(self._cache.read_text(encoding="utf-8"))
                self._known = known if isinstance(known, dict) else {}
            except (OSError, ValueError):
                self._known = {}
            atexit.register(self.save)
        return self._known


class _Beside:
    """A process that reads files, and the thread that waits for it."""

    def __init__(self, paths: list[str]) -> None:
        self._answer = "[]"
        self._thread = threading.Thread(target=self._ask, args=(json.dumps(paths),))
        self._thread.start()

    def result(self) -> list[_Found]:
        """The files that could be read; none if the process has failed, it is an aid."""
        self._thread.join()
        return [_Found(*found) for found in json.loads(self._answer)]

    def _ask(self, paths: str) -> None:
        # Isolated: no file in the working directory is taken for a module.
        command = [sys.executable, "-I", "-c", _READ_BESIDE, str(Path(__file__).parents[1])]
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            done = subprocess.run(command, input=paths, capture_output=True, text=True, check=True)
            self._answer = done.stdout


def read_beside() -> None:
    """What the process does: read the files that its standard input names, several at a time."""
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(_read_if_possible, json.load(sys.stdin))
        json.dump([file for file in found if file], sys.stdout)


def _read_if_possible(path: str) -> _Found | None:
    with contextlib.suppress(OSError):
        return _read(path)
    return None


def _read(path: str) -> _Found:
    state, read_at = _state(path), time.time()
    with open(path, "rb") as file:
        is_of_many = begins_with_many_tickers(file, path)
        return _Found(path, state, is_of_many, file_fingerprint(file), read_at)


def _state(path: str) -> list[int]:
    """Size, modification time, inode and, last, change time of a file."""
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns]
