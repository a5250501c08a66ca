"""Units of which a plan can say beforehand that there is nothing to do.

Snakemake weighs every file of every job before it says so: half a minute for 8,000 tickers. A unit,
such as a ticker, is settled while what its files are made from and the files themselves are as they
were when Snakemake last found, or brought, all of them up to date; it can be left out of a plan. The
record is an aid: without it, or for a unit that it does not know, Snakemake decides.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from mf_etl.io import write_json
from mf_etl.provenance import run_id

Unit = tuple[str, ...]


class Settled:
    """The settled units, kept in a JSON file that can be deleted at any time.

    `files` names the files of a unit, `made_from` what they are made from: raw file, settings, code.
    """

    def __init__(
        self,
        record: Path,
        files: Callable[[Unit], Sequence[str]],
        made_from: Callable[[Unit], str],
    ) -> None:
        # A record is written when the process ends, and its working directory may be another then.
        self._folder = Path.cwd()
        self._record = self._folder / record
        self._files = files
        self._made_from = made_from

    def among(self, units: Iterable[Unit]) -> set[Unit]:
        """Those of the `units` that are settled."""
        known = self._load()
        return {
            unit for unit in units if (now := self._state(unit)) and known.get(_key(unit)) == now
        }

    def add(self, units: Iterable[Unit]) -> None:
        """Record `units` as settled in their present state; one that lacks a file is not."""
        known = self._load()
        new = {_key(unit): now for unit in units if (now := self._state(unit))}
        if any(known.get(key) != now for key, now in new.items()):
            write_json(known | new, self._record)

    def _state(self, unit: Unit) -> str | None:
        """What the unit is made from and the size and time stamp of each of its files."""
        stamps = []
        for path in self._files(unit):
            try:
                status = os.stat(os.path.join(self._folder, path))
            except OSError:
                return None
            stamps.append((status.st_size, status.st_mtime_ns))
        return run_id(self._made_from(unit), stamps)

    def _load(self) -> dict[str, str]:
        try:
            known = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _key(unit: Unit) -> str:
    return "/".join(unit)
