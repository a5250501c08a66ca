"""The fingerprint cache: by content, read once, never trusted beyond what it can know."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from mf_etl.errors import RawFileError
from mf_etl.fingerprints import Fingerprints
from mf_etl.provenance import file_fingerprint


@pytest.fixture
def raw(tmp_path) -> Path:
    path = tmp_path / "a.us.txt"
    path.write_bytes(b"abc")
    os.utime(path, (1e9, 1e9))
    return path


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


def test_a_file_written_just_now_is_not_remembered(tmp_path, raw):
    raw.write_bytes(b"new")
    first = cached(tmp_path)
    first.of(str(raw))
    first.save()
    assert not (tmp_path / "cache" / "fingerprints.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00"])
def test_a_broken_cache_is_no_error(tmp_path, raw, text):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "fingerprints.json").write_text(text)
    assert len(cached(tmp_path).of(str(raw))) == 32


def test_unreadable_files_name_themselves(tmp_path, raw):
    fingerprints = cached(tmp_path)
    fingerprints.prepare([str(raw), str(tmp_path / "gone.us.txt")])
    with pytest.raises(RawFileError, match=r"gone\.us\.txt cannot be read: No such file"):
        fingerprints.of(str(tmp_path / "gone.us.txt"))


def test_what_was_begun_is_waited_for(tmp_path, raw, monkeypatch):
    """Both where a fingerprint is asked for and where all are written down."""
    real = file_fingerprint

    def slow(file):
        time.sleep(0.2)
        return real(file)

    monkeypatch.setattr("mf_etl.fingerprints.file_fingerprint", slow)
    other = tmp_path / "b.us.txt"
    other.write_bytes(b"abc")
    os.utime(other, (1e9, 1e9))
    fingerprints = cached(tmp_path)
    fingerprints.prepare([str(raw), str(other)])
    assert fingerprints.of(str(raw)) == hashlib.blake2b(b"abc", digest_size=16).hexdigest()
    fingerprints.save()
    monkeypatch.setattr("mf_etl.fingerprints.file_fingerprint", lambda file: "read again")
    assert len(cached(tmp_path).of(str(other))) == 32
