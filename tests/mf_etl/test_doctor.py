"""What the doctor finds in files and folders; the whole command is tried in `tests/cli`."""

from __future__ import annotations

import polars as pl
import pytest

from mf_etl.doctor import damage


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "part-000.parquet"
    pl.DataFrame({"x": range(100)}).write_parquet(path)
    return path


def test_a_whole_file_has_no_damage(whole, tmp_path):
    assert damage(whole) is None
    report = tmp_path / "quality.json"
    report.write_text('{"status": "ok"}')
    assert damage(report) is None


@pytest.mark.parametrize("kept", [0, 1, 4, 11, 100, -1, -4])
def test_a_file_that_is_cut_is_damaged(whole, kept):
    content = whole.read_bytes()
    whole.write_bytes(content[:kept])
    assert damage(whole)


def test_a_file_of_zeros_or_another_kind_is_damaged(whole, tmp_path):
    size = whole.stat().st_size
    whole.write_bytes(bytes(size))
    assert damage(whole) == "no whole Parquet file"
    whole.write_bytes(b"PAR1" + b"\xff" * 8 + b"PAR1")
    assert damage(whole) == "no whole Parquet file"
    report = tmp_path / "quality.json"
    report.write_text('{"status": ')
    assert damage(report)
    assert "No such file" in damage(tmp_path / "nowhere.parquet")
