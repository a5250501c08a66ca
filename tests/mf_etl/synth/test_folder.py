"""Only an archive's own files are replaced or updated: nothing else in a folder is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from mf_etl.synth import extend_archive, reshuffle_archive, write_archive
from mf_etl.synth.folder import MARKER

TRUTH = "truth/regimes.parquet"


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def put(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine")


def test_a_previous_archive_is_replaced(tmp_path):
    write_archive(tmp_path, tickers=30, years=0.3, seed=1, truth=True)
    write_archive(tmp_path, tickers=5, years=0.3, seed=1)
    assert len(list(tmp_path.rglob("*.txt"))) == 5
    assert not (tmp_path / "truth").exists()


def test_an_updated_archive_is_replaced(tmp_path):
    """With every kind of anomaly, so the second file of a ticker and the unknown folder as well."""
    write_archive(tmp_path, tickers=580, years=0.2, seed=1)
    new = contents(tmp_path)
    extend_archive(tmp_path, days=1, seed=1)
    reshuffle_archive(tmp_path, seed=1)
    assert contents(tmp_path).keys() != new.keys()
    write_archive(tmp_path, tickers=580, years=0.2, seed=1)
    assert contents(tmp_path) == new


def test_what_a_killed_run_leaves_is_replaced(tmp_path):
    write_archive(tmp_path, tickers=3, years=0.3, seed=1, truth=True)
    (tmp_path / TRUTH).rename(tmp_path / "truth" / ".regimes.parquet.partial")
    write_archive(tmp_path, tickers=3, years=0.3, seed=1)
    assert not (tmp_path / "truth").exists()


@pytest.mark.parametrize("foreign", ["notes.md", "data/daily/us/nyse stocks/1/ibm.us.txt"])
def test_a_foreign_folder_is_refused_and_left_alone(tmp_path, foreign):
    put(tmp_path / foreign)
    with pytest.raises(ValueError, match=r"no synthetic archive left there; name an empty"):
        write_archive(tmp_path, tickers=1, years=1, seed=0)
    assert contents(tmp_path) == {foreign: b"mine"}


@pytest.mark.parametrize(
    "foreign",
    [
        "notes.md",
        "data/bronze/part-000.parquet",
        "data/daily/us/nyse stocks/1/ibm.us.txt",
        "truth/notes.md",
    ],
)
def test_a_file_added_to_an_archive_is_not_lost(tmp_path, foreign):
    write_archive(tmp_path, tickers=3, years=1, seed=0, truth=True)
    put(tmp_path / foreign)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=f"holds {foreign}, which no synthetic archive"):
        write_archive(tmp_path, tickers=3, years=1, seed=0)
    assert contents(tmp_path) == before


def test_a_linked_folder_is_not_emptied(tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    write_archive(out, tickers=1, years=1, seed=0)
    (out / "data").rename(elsewhere)
    (out / "data").symlink_to(elsewhere, target_is_directory=True)
    before = contents(elsewhere)
    with pytest.raises(ValueError, match="holds data, which no synthetic archive"):
        write_archive(out, tickers=1, years=1, seed=0)
    assert contents(elsewhere) == before != {}


def test_an_update_leaves_other_files_alone(tmp_path):
    write_archive(tmp_path, tickers=30, years=1, seed=0, anomalies=False)
    own = tmp_path / "data/daily/us/nyse stocks/1/own.us.txt"
    listed = max(tmp_path.rglob("*.txt"), key=lambda path: path.stat().st_size)
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_bytes(listed.read_bytes())
    before, time = own.read_bytes(), own.stat().st_mtime_ns
    extend_archive(tmp_path, days=1, seed=0)
    reshuffle_archive(tmp_path, seed=0)
    assert (own.read_bytes(), own.stat().st_mtime_ns) == (before, time)


@pytest.mark.parametrize("text", ["{", "{}", '{"format": 1, "tickers": "many"}'])
def test_a_damaged_marker_is_refused_and_nothing_deleted(tmp_path, text):
    write_archive(tmp_path, tickers=1, years=1, seed=0)
    (tmp_path / MARKER).write_text(text)
    before = contents(tmp_path)
    for call in (
        lambda: write_archive(tmp_path, tickers=1, years=1, seed=0),
        lambda: extend_archive(tmp_path, days=1, seed=0),
        lambda: reshuffle_archive(tmp_path, seed=0),
    ):
        with pytest.raises(ValueError, match=rf"{MARKER} is damaged.*name another$"):
            call()
    assert contents(tmp_path) == before
