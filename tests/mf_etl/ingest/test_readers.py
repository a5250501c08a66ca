"""Both readers: they agree on well-formed files, and the tolerant one takes what the contract lists."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.ingest.fast import read_fast
from mf_etl.ingest.reader import RawContent, parse
from mf_etl.ingest.tolerant import read_tolerant
from tests.conftest import HEADER, SAMPLE, raw_file, raw_row

prices = st.one_of(
    st.floats(-1e16, 1e16, allow_nan=False).map(repr),
    st.decimals(0, 10**6, places=14).map(str),
    st.integers(-(10**12), 10**18).map(str),
    st.sampled_from(["1e5", "2.5E-7", "1.", ".5", "007.50", "1.3e15", "123456789.123456789123"]),
)
dates = st.dates().map(lambda day: f"{day:%Y}".zfill(4) + f"{day:%m%d}")
times = st.times().map(lambda time: f"{time:%H%M%S}")
rows = st.lists(
    st.builds(
        lambda date, values, time, ticker, per: raw_row(
            date, *values, time=time, ticker=ticker, per=per
        ),
        dates,
        st.lists(prices, min_size=5, max_size=5),
        times,
        st.sampled_from(["T.US", "NA", "TRUE", "A-B_C.US"]),
        st.sampled_from(["D", "5", "W"]),
    ),
    min_size=1,
    max_size=8,
)


@given(rows, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_both_readers_agree_on_well_formed_files(lines, end, last_line_ends):
    content = raw_file(*lines, end=end)
    if not last_line_ends:
        content = content.removesuffix(end.encode())
    fast, tolerant = read_fast(content), read_tolerant(content)
    assert fast is not None and fast.reader == "fast"
    assert fast.rows.equals(tolerant.rows) and fast.rows.schema == tolerant.rows.schema
    numbers = fast.rows["source_line_no"].to_list()
    assert fast.raw_lines(numbers) == tolerant.raw_lines(numbers) == lines
    assert (fast.header_present, fast.delimiter, fast.status, fast.message) == (
        tolerant.header_present,
        tolerant.delimiter,
        tolerant.status,
        tolerant.message,
    )


@given(rows, st.data())
def test_whatever_the_fast_path_takes_the_tolerant_one_reads_alike(lines, data):
    """One byte of a good file is changed: the fast path declines, or both agree."""
    content = bytearray(raw_file(*lines, end="\n"))
    place = data.draw(st.integers(len(HEADER) + 1, len(content) - 1))
    content[place] = data.draw(st.sampled_from(b"0129.,-+eE xXnNaAiI_\t\r\n\x00\"'#/:"))
    fast = read_fast(bytes(content))
    if fast is not None:
        assert fast.rows.equals(read_tolerant(bytes(content)).rows)


@pytest.mark.parametrize("path", sorted(SAMPLE.rglob("*.txt")), ids=lambda path: path.stem)
def test_both_agree_on_the_sample(path):
    content = path.read_bytes()
    fast = read_fast(content)
    real = path.stat().st_size > 5000
    assert fast is not None if real else True
    if fast is not None:
        assert fast.rows.equals(read_tolerant(content).rows)


@pytest.mark.parametrize(
    "line",
    [
        raw_row("2024010", 1, 2, 1, 2, 3),
        raw_row("20240230", 1, 2, 1, 2, 3),
        raw_row("00000101", 1, 2, 1, 2, 3),
        raw_row("0000-01-01", 1, 2, 1, 2, 3),
        raw_row("20240101", 1, 2, 1, 2, 3, time="240000"),
        raw_row("20240101", 1, 2, 1, 2, 3, time="235960"),
        raw_row("20240101", 1, 2, 1, 2, 3, time="93000"),
        raw_row("20240101", 1, 2, 1, "nan", 3),
        raw_row("20240101", 1, 2, 1, "inf", 3),
        raw_row("20240101", 1, 2, 1, "1e999", 3),
        raw_row("20240101", 1, 2, 1, "0x10", 3),
        raw_row("20240101", 1, 2, 1, "1_000", 3),
        raw_row("20240101", 1, 2, 1, "1,5", 3).replace("1,5", "1٫5"),
        raw_row("20240101", 1, 2, 1, 2, 3, openint="0.5"),
        raw_row("20240101", 1, 2, 1, 2, 3, openint="1e300"),
    ],
)
def test_what_cannot_be_parsed_is_flagged(line):
    result = parse(RawContent.of(raw_file(line)), "T.US")
    assert result.reader == "tolerant"
    assert result.rows["q_parse_error"].to_list() == [True]


def test_a_blank_field_is_missing_and_a_short_line_malformed():
    good = raw_row("20240103")
    content = raw_file(raw_row("20240101", 1, "", 1, 2, 3), "T.US,D,20240102", good)
    rows = parse(RawContent.of(content), "T.US").rows
    assert rows["q_missing_field"].to_list() == [True, False, False]
    assert rows["q_malformed_row"].to_list() == [False, True, False]
    assert rows["q_parse_error"].to_list() == [False] * 3


BAR = (datetime(2024, 1, 2), 1.0, 2.0, 0.5, 1.5, 10.0)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + raw_file("T.US,D,20240102,000000,1,2,0.5,1.5,10,0"),
        b"\r\n \r\n" + raw_file("T.US,D,20240102,000000,1,2,0.5,1.5,10,0", "", " "),
        b"T.US,D,20240102,000000,1,2,.5,1.5,10,0",
        b"ticker;PER;Date;TIME;open;high;low;close;vol;openint\n"
        b"T.US; D ;20240102;000000; 1;2;0.5;+1.5;1e1;0",
        b"<DATE>\t<CLOSE>\t<OPEN>\t<LOW>\t<HIGH>\t<VOL>\n20240102\t1.5\t1\t0.5\t2\t10\n",
        b"Date|Open|High|Low|Close|Volume|OpenInt\n2024-01-02|1|2|0.5|1.5|10|0\n",
        b"Date,Open,High,Low,Close,Volume,OpenInt\r\n20240102,1,2,0.5,1.5,10.0,0",
        b"Date,Open,High,Low,Close,Volume,OpenInt,Remark\n20240102,1,2,0.5,1.5,10.0,0,x\xff\n",
    ],
)
def test_forms_that_are_taken(content):
    result = read_tolerant(content)
    assert result.status == "ok"
    frame = result.rows.select("trade_dt", "open", "high", "low", "close", "volume")
    assert frame.rows() == [BAR]
    assert not result.rows.select("q_malformed_row", "q_missing_field", "q_parse_error").row(0)[0]


@pytest.mark.parametrize(
    ("content", "status", "message", "rows"),
    [
        (b"", "empty", "no bytes", 0),
        (b"\n \r\n", "empty", "only blank lines", 0),
        (HEADER.encode(), "empty", "no data line", 0),
        (bytes(range(256)), "unreadable", "no line has the 10 fields", 2),
        (
            b"Date,Open,High,Low\n20240102,1,2,3\n",
            "unreadable",
            "lacks the columns close, volume",
            1,
        ),
        (
            b"Date,Open,High,Low,Close,Volume,Close\n20240102,1,2,1,2,3,4\n",
            "unreadable",
            "names more than once: close",
            1,
        ),
        (
            b"Data;Date;Open;High;Low;Close;Vol;Volume\n20240102;20240102;1;2;1;2;3;3\n",
            "unreadable",
            "names more than once: date, volume",
            1,
        ),
    ],
)
def test_status_of_what_holds_no_rows(content, status, message, rows):
    result = parse(RawContent.of(content), "T.US")
    assert (result.status, result.rows.height) == (status, rows)
    assert message in result.message


def test_line_numbers_count_blank_lines_and_the_header():
    content = b"\n" + raw_file(raw_row("20240102"), "", raw_row("20240103"), end="\n")
    result = parse(RawContent.of(content), "T.US")
    assert result.rows["source_line_no"].to_list() == [3, 5]
    assert result.raw_lines([5]) == [raw_row("20240103")]
