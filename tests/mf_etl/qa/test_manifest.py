"""Statuses of raw files over a scripted week."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from mf_etl.provenance import content_fingerprint
from mf_etl.qa.manifest import manifest, status_counts
from mf_etl.schemas.universe_tables import FILE_MANIFEST
from mf_etl.settings.sections import Universe as UniverseSettings
from mf_etl.universe import Universe
from tests.conftest import raw_file, raw_row


class Week:
    """A raw folder, and the manifest of the last full build."""

    def __init__(self, raw: Path) -> None:
        self.raw = raw
        self.stable: pl.DataFrame | None = None

    def put(self, path: str, text: str) -> None:
        file = self.raw / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def move(self, path: str, to: str) -> None:
        (self.raw / to).parent.mkdir(parents=True, exist_ok=True)
        (self.raw / path).rename(self.raw / to)

    def statuses(self) -> dict[str, str]:
        """Status by file name and exchange, after a full build of what is there."""
        files = Universe(self.raw, UniverseSettings()).files
        found = manifest(
            files, self.raw, lambda p: content_fingerprint(Path(p).read_bytes()), self.stable
        )
        FILE_MANIFEST.check(found)
        self.stable = found
        return {row["source_file"]: row["status"] for row in found.to_dicts()}


@pytest.fixture
def week(tmp_path) -> Week:
    week = Week(tmp_path / "raw")
    week.put("nasdaq stocks/1/aapl.us.txt", "first")
    week.put("nyse stocks/1/ibm.us.txt", "first")
    assert set(week.statuses().values()) == {"NEW"}
    return week


def test_the_same_content_unpacked_again_is_unchanged(week):
    week.put("nasdaq stocks/1/aapl.us.txt", "first")
    os.utime(week.raw / "nasdaq stocks/1/aapl.us.txt", (1, 1))
    assert set(week.statuses().values()) == {"UNCHANGED"}


def test_a_restated_history_is_changed_and_a_new_file_is_new(week):
    week.put("nasdaq stocks/1/aapl.us.txt", "all of it restated")
    week.put("nyse stocks/1/ge.us.txt", "first")
    assert week.statuses() == {
        "nasdaq stocks/1/aapl.us.txt": "CHANGED",
        "nyse stocks/1/ibm.us.txt": "UNCHANGED",
        "nyse stocks/1/ge.us.txt": "NEW",
    }
    assert set(week.statuses().values()) == {"UNCHANGED"}


def test_another_sub_folder_is_unchanged_and_another_exchange_is_new(week):
    week.move("nasdaq stocks/1/aapl.us.txt", "nasdaq stocks/3/aapl.us.txt")
    week.move("nyse stocks/1/ibm.us.txt", "nasdaq stocks/2/ibm.us.txt")
    assert week.statuses() == {
        "nasdaq stocks/3/aapl.us.txt": "UNCHANGED",
        "nasdaq stocks/2/ibm.us.txt": "NEW",
    }


def test_shadowed_and_ignored_files_are_listed_with_the_reason(week):
    week.put("nasdaq stocks/2/aapl.us.txt", "longer than the first")
    week.put("elsewhere/x.us.txt", "text")
    week.put(
        "nyse stocks/20240102_d.txt",
        raw_file(*(raw_row("20240102", ticker=f"{name}.US") for name in "ABC")).decode(),
    )
    assert week.statuses() == {
        "nasdaq stocks/1/aapl.us.txt": "SHADOWED",
        "nasdaq stocks/2/aapl.us.txt": "CHANGED",
        "nyse stocks/1/ibm.us.txt": "UNCHANGED",
        "elsewhere/x.us.txt": "IGNORED",
        "nyse stocks/20240102_d.txt": "IGNORED",
    }
    reasons = {row["source_file"]: row["reason"] for row in week.stable.to_dicts()}
    assert reasons["nasdaq stocks/1/aapl.us.txt"] == "nasdaq stocks/2/aapl.us.txt"
    assert "folder" in reasons["elsewhere/x.us.txt"]
    assert reasons["nyse stocks/20240102_d.txt"] == "many_tickers"
    assert status_counts(week.stable) == {
        "CHANGED": 1, "IGNORED": 2, "SHADOWED": 1, "UNCHANGED": 1,
    }  # fmt: skip
