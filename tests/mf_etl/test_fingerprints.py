"""The fingerprint cache: by content, read once, never trusted beyond what it can know."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from mf_etl.errors import RawFileError
from mf_etl.fingerprints import Fingerprints
from tests.conftest import raw_file, raw_row


@pytest.fixture
def raw(tmp_path, monkeypatch) -> Path:
    """A file that is taken as settled at once."""
    monkeypatch.setattr("mf_etl.fingerprints.SETTLED_SECONDS", -1)
    path = tmp_path / "a.us.txt"
    path.write_bytes(b"abc")
    os.utime(path, (1e9, 1e9))
    return path


@pytest.fixture
def just_written(raw, monkeypatch) -> Path:
    """A file of just now, whatever its time stamp says."""
    monkeypatch.setattr("mf_etl.fingerprints.SETTLED_SECONDS", 2.0)
    return raw


def cached(tmp_path) -> Fingerprints:
    return Fingerprints(tmp_path / "cache" / "fingerprints.json")


def test_is_blake2b_of_the_content(tmp_path, raw):
    assert cached(tmp_path).of(str(raw)) == hashlib.blake2b(b"abc", digest_size=16).hexdigest()


def test_a_known_file_is_not_read_again(tmp_path, raw, monkeypatch):
    first = cached(tmp_path)
    fingerprint = first.of(str(raw))
    first.save()
    monkeypatch.setattr("mf_etl.fingerprints.file_fingerprint", lambda file: "read again")
    assert cached(tmp_path).of(str(raw)) == fingerprint
    os.utime(raw, (1e9 + 1, 1e9 + 1))
    assert cached(tmp_path).of(str(raw)) == "read again"


def test_same_size_other_content(tmp_path, raw):
    first = cached(tmp_path)
    before = first.of(str(raw))
    first.save()
    raw.write_bytes(b"abd")
    assert cached(tmp_path).of(str(raw)) != before


@pytest.mark.parametrize("how", ["written over", "removed and copied"])
def test_other_content_with_the_same_size_and_time_stamp(tmp_path, raw, how):
    first = cached(tmp_path)
    before = first.of(str(raw))
    first.save()
    if how == "removed and copied":  # the file system may give the same inode again
        raw.unlink()
    raw.write_bytes(b"abd")
    os.utime(raw, (1e9, 1e9))
    assert cached(tmp_path).of(str(raw)) != before


def test_what_is_doubted_is_read_once_more(tmp_path, raw):
    first = cached(tmp_path)
    right = first.of(str(raw))
    first.save()
    cache = tmp_path / "cache" / "fingerprints.json"
    cache.write_text(cache.read_text().replace(right, "0" * 32))
    second = cached(tmp_path)
    second.prepare([str(raw)])
    assert second.of(str(raw)) == "0" * 32
    second.doubt(str(raw))
    assert second.of(str(raw)) == right
    second.save()
    assert cached(tmp_path).of(str(raw)) == right


def test_a_file_written_just_now_is_not_remembered(tmp_path, just_written):
    first = cached(tmp_path)
    first.of(str(just_written))
    first.save()
    assert not (tmp_path / "cache" / "fingerprints.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00"])
def test_a_broken_cache_is_no_error(tmp_path, raw, text):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "fingerprints.json").write_text(text)
    assert len(cached(tmp_path).of(str(raw))) == 32


@pytest.fixture
def beside(monkeypatch):
    """Reads files in a process beside this one, however few they are."""
    monkeypatch.setattr("mf_etl.fingerprints.WORTH_A_PROCESS", 1)


def not_here(path: str):
    raise AssertionError(f"{path} was read in this process")


def test_unreadable_files_name_themselves(tmp_path, raw, beside):
    fingerprints = cached(tmp_path)
    fingerprints.prepare([str(raw), str(tmp_path / "gone.us.txt")])
    assert len(fingerprints.of(str(raw))) == 32
    with pytest.raises(RawFileError, match=r"gone\.us\.txt cannot be read: No such file"):
        fingerprints.of(str(tmp_path / "gone.us.txt"))


def test_what_was_begun_is_waited_for(tmp_path, raw, beside, monkeypatch):
    """Both where a fingerprint is asked for and where all are written down."""
    other = tmp_path / "b é.us.txt"
    other.write_bytes(b"abd")
    os.utime(other, (1e9, 1e9))
    monkeypatch.setattr("mf_etl.fingerprints._read", not_here)
    fingerprints = cached(tmp_path)
    fingerprints.prepare([str(raw), str(other)])
    assert fingerprints.of(str(raw)) == hashlib.blake2b(b"abc", digest_size=16).hexdigest()
    assert fingerprints.of(str(other)) == hashlib.blake2b(b"abd", digest_size=16).hexdigest()

    begun = cached(tmp_path)
    begun.prepare([str(raw), str(other)])
    begun.save()
    known = cached(tmp_path)
    known.prepare([str(raw), str(other)])
    assert known._begun is None
    assert known.of(str(other)) == fingerprints.of(str(other))


def test_a_path_that_is_no_text(tmp_path, raw, beside, monkeypatch):
    odd = tmp_path / "b \udcff.us.txt"
    raw.rename(odd)
    monkeypatch.setattr("mf_etl.fingerprints._read", not_here)
    fingerprints = cached(tmp_path)
    fingerprints.prepare([str(odd)])
    assert fingerprints.of(str(odd)) == hashlib.blake2b(b"abc", digest_size=16).hexdigest()
    fingerprints.save()
    assert list((tmp_path / "cache").iterdir()) == []


def test_files_written_just_now_are_not_remembered(tmp_path, just_written, beside):
    fingerprints = cached(tmp_path)
    fingerprints.prepare([str(just_written)])
    fingerprints.of(str(just_written))
    fingerprints.save()
    assert not (tmp_path / "cache" / "fingerprints.json").exists()


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false"])
def test_a_process_that_fails_is_done_without(tmp_path, raw, beside, monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    fingerprints = cached(tmp_path)
    fingerprints.prepare([str(raw)])
    assert fingerprints.of(str(raw)) == hashlib.blake2b(b"abc", digest_size=16).hexdigest()


def test_modules_of_the_working_directory_are_not_imported(tmp_path, raw, beside, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    fingerprints = cached(tmp_path)
    fingerprints.prepare([str(raw)])
    monkeypatch.setattr("mf_etl.fingerprints._read", not_here)
    assert len(fingerprints.of(str(raw))) == 32


def test_a_file_of_many_tickers_is_told_and_remembered_with_its_fingerprint(
    tmp_path, raw, monkeypatch
):
    raw.write_bytes(raw_file(*(raw_row("20240102", ticker=f"{name}.US") for name in "BCD")))
    os.utime(raw, (1e9, 1e9))
    first = cached(tmp_path)
    assert first.is_of_many(str(raw)), "before its content is read"
    first.of(str(raw))
    first.save()
    monkeypatch.setattr("mf_etl.fingerprints.is_file_of_many_tickers", lambda path: "read again")
    assert cached(tmp_path).is_of_many(str(raw)) is True
    raw.write_bytes(b"another")
    assert cached(tmp_path).is_of_many(str(raw)) == "read again"
