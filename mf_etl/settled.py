"""Tickers of which a plan can say beforehand that there is nothing to do.

Snakemake weighs every file of every job before it says so: half a minute for 8,000 tickers. A ticker
is settled while what its files are made from and the files themselves are as they were when
Snakemake last found, or brought, all of them up to date; it can be left out of a plan. The record
is an aid: without it, or for a ticker that it does not know, Snakemake decides.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from mf_etl.catalog import Catalog
from mf_etl.io import write_json
from mf_etl.provenance import run_id

Pair = tuple[str, str]


class Settled:
    """The settled tickers, kept in a JSON file that can be deleted at any time.

    `made_from` names what a ticker's files are made from: its raw file, settings and code.
    """

    def __init__(self, record: Path, data: Catalog, made_from: Callable[[Pair], str]) -> None:
        # A record is written when the process ends, and its working directory may be another then.
        self._folder = Path.cwd()
        self._record = self._folder / record
        self._datasets = data.per_ticker()
        self._made_from = made_from

    def among(self, pairs: Iterable[Pair]) -> set[Pair]:
        """Those of the (exchange, ticker) `pairs` that are settled."""
        known = self._load()
        return {
            pair for pair in pairs if (now := self._state(pair)) and known.get(_key(pair)) == now
        }

    def add(self, pairs: Iterable[Pair]) -> None:
        """Record `pairs` as settled in their present state; one that lacks a file is not."""
        known = self._load()
        new = {_key(pair): now for pair in pairs if (now := self._state(pair))}
        if any(known.get(key) != now for key, now in new.items()):
            write_json(known | new, self._record)

    def _state(self, pair: Pair) -> str | None:
        """What the ticker is made from and the size and time stamp of each of its files."""
        exchange, ticker = pair
        stamps = []
        for dataset in self._datasets:
            try:
                path = dataset.path(exchange=exchange, ticker=ticker)
                status = os.stat(os.path.join(self._folder, path))
            except OSError:
                return None
            stamps.append((status.st_size, status.st_mtime_ns))
        return run_id(self._made_from(pair), stamps)

    def _load(self) -> dict[str, str]:
        try:
            known = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _key(pair: Pair) -> str:
    return "/".join(pair)
