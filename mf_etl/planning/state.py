"""What is known of a slot's tickers since its last parcel, kept beside the data.

A state is an aid: without it all tickers of its slot are weighed again, and nothing else happens.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mf_etl.errors import MfEtlError
from mf_etl.io import replacing

Stamps = list[list[int] | None]
"""Size in bytes and modification time in nanoseconds of each file; None for one that is not there."""


@dataclass
class Member:
    """A ticker as its last parcel left it; `made` and `stamps` are by layer.

    `made` holds the digests of the steps that its files are made by. `failed` is the first layer
    that could not be built, a line that says why, and the log.
    """

    source_file: str
    fingerprint: str
    made: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, Stamps] = field(default_factory=dict)
    failed: list[str] | None = None


@dataclass
class SlotState:
    """A slot as its last parcel left it.

    `work` is the value by layer that its rule's parameter has while nothing is pending, `steps` the
    settings and code of each step by digest, `run` the one whose parcel was carried through last.
    """

    work: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    run: str = ""
    done: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> SlotState:
        """The state in a file; an empty one if there is none, or none that can be read."""
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            members = {key: Member(**member) for key, member in known.pop("members").items()}
            return cls(**known, members=members)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def write(self, path: Path) -> None:
        """Replace the state in a file."""
        used = {digest for member in self.members.values() for digest in member.made.values()}
        self.steps = {digest: step for digest, step in self.steps.items() if digest in used}
        write_compact(asdict(self), path)


def write_compact(value: Any, path: Path) -> None:
    """Write `value` as JSON without spaces."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, separators=(",", ":")), encoding="utf-8")


def stamps_of(paths: list[str]) -> Stamps:
    """Size and modification time of files."""
    found: Stamps = []
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            found.append(None)
        else:
            found.append([status.st_size, status.st_mtime_ns])
    return found


class SlotLock:
    """The right to build the tickers of a slot; it ends with the process, whatever happens to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Take the lock if it is free; says whether it was."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file
        return True

    def refusal(self) -> str:
        """Why what another run holds cannot be built now."""
        holder = ""
        with contextlib.suppress(OSError):
            holder = self._path.read_text(encoding="utf-8")
        return (
            f"tickers of slot {self._path.stem} are being built by another run (process "
            f"{holder or 'unknown'}); run this again when it has ended"
        )

    def give_back(self) -> None:
        """Let others take it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @contextlib.contextmanager
    def held(self, seconds: float) -> Iterator[None]:
        """Wait for the lock for so long; `MfEtlError` names who holds it."""
        deadline = time.monotonic() + seconds
        while not self.take():
            if time.monotonic() > deadline:
                raise MfEtlError(self.refusal())
            time.sleep(0.1)
        try:
            yield
        finally:
            self.give_back()
