"""Writers: whole files or none, and the same bytes."""

from __future__ import annotations

import os

import polars as pl
import pytest

from mf_etl.io import ParquetOptions, replacing, write_json, write_parquet

FRAME = pl.DataFrame({"a": [1.5, None, 2.5], "b": ["x", "y", "x"]})


def test_same_frame_same_bytes(tmp_path):
    for name in "xy":
        write_parquet(FRAME, tmp_path / name, ParquetOptions())
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    assert pl.read_parquet(tmp_path / "x").equals(FRAME)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "deep" / "file"
    with replacing(target) as temporary:
        temporary.write_text("old")
    with pytest.raises(OSError), replacing(target) as temporary:
        temporary.write_text("ne")
        raise OSError("disk full")
    assert target.read_text() == "old"
    assert os.listdir(target.parent) == ["file"]


def test_what_a_killed_writer_left_is_overwritten(tmp_path):
    (tmp_path / ".file.partial").write_text("half")
    write_json({"b": 1, "a": "é"}, tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == '{\n  "b": 1,\n  "a": "é"\n}\n'.encode()


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(float("nan"), tmp_path / "file")
    assert os.listdir(tmp_path) == []
