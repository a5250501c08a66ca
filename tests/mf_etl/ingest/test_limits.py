"""Limits of what is read: beyond them is a clear reject, and memory stays bounded."""

from __future__ import annotations

import pytest

from mf_etl.ingest.limits import Limits, has_long_line, with_cut_lines
from mf_etl.ingest.reader import RawContent, parse, read_content
from mf_etl.provenance import content_fingerprint
from tests.conftest import bronze_of, raw_file, raw_row

LIMITS = Limits(file_bytes=2_000, line_bytes=100)


@pytest.mark.parametrize(
    ("content", "is_long"),
    [
        (b"", False),
        (b"x" * 100, False),
        (b"x" * 101, True),
        (b"x" * 101 + b"\n", True),
        (b"x" * 100 + b"\n" + b"y" * 100 + b"\n", False),
        (b"x\n" + b"y" * 101, True),
        (b"x\n" + b"y" * 101 + b"\nz", True),
    ],
)
def test_long_lines_are_found(content, is_long):
    assert has_long_line(content, 100) == is_long
    assert (with_cut_lines(content, 100) != content) == is_long


def test_a_long_line_is_one_rejected_row_and_the_rest_is_read():
    endless = raw_row("20240103").replace("1000", "0" * 5_000 + "1000")
    content = raw_file(raw_row("20240102"), endless, raw_row("20240104"))
    rows = parse(RawContent.of(content), "T.US", Limits(line_bytes=1_024))
    assert rows.rows["q_malformed_row"].to_list() == [False, True, False]
    (line,) = rows.raw_lines([3])
    more = len(endless) - 1_024
    assert line == f"{endless[:1_024]} ... (cut: {more} bytes more)"


def test_a_cut_in_the_last_field_is_malformed_too():
    content = raw_file(raw_row("20240102"), raw_row("20240103", openint="0" * 5_000))
    rows = parse(RawContent.of(content), "T.US", Limits(line_bytes=1_024)).rows
    assert rows["q_malformed_row"].to_list() == [False, True]
    assert not rows["q_parse_error"][0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_long_line_of_blanks_is_a_blank_line(end):
    content = raw_file(raw_row("20240102"), " \t" * 50_000, raw_row("20240103"), end=end)
    result = bronze_of(content)
    assert result.bars["source_line_no"].to_list() == [2, 4]
    assert result.rejects.is_empty()
    assert bronze_of(b" " * 100_000).quality["status"] == "empty"


def test_within_the_limits_the_fast_reader_reads():
    content = raw_file(raw_row("20240102"), raw_row("20240103"))
    assert parse(RawContent.of(content), "T.US", LIMITS).reader == "fast"


def test_a_large_file_is_not_read_and_says_so(tmp_path):
    path = tmp_path / "t.us.txt"
    path.write_bytes(
        raw_file(*(raw_row(f"202401{day:02d}") for day in range(1, 31)), *("x" * 50,) * 20)
    )
    raw = read_content(path, LIMITS)
    size = path.stat().st_size
    assert (raw.content, raw.size) == (None, size)
    assert raw.fingerprint == content_fingerprint(path.read_bytes())
    rows = parse(raw, "T.US", LIMITS)
    assert (rows.status, rows.rows.height) == ("unreadable", 0)
    assert f"{size:,} bytes" in rows.message and "validation.max_file_mb" in rows.message


def test_a_file_of_exactly_the_limit_is_read(tmp_path):
    path = tmp_path / "t.us.txt"
    path.write_bytes(b"x" * LIMITS.file_bytes)
    assert read_content(path, LIMITS).content == b"x" * LIMITS.file_bytes


def test_counts_of_a_cut_line_add_up():
    quality = bronze_of(raw_file(raw_row("20240102"), "y" * 70_000)).quality
    assert (quality["rows_total"], quality["rows_valid"], quality["rows_rejected"]) == (2, 1, 1)
    assert quality["flags"]["q_malformed_row"] == 1
