"""Forms in which people have their files: each gives the same bars as the standard one."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.ingest.reader import RawContent, parse
from mf_etl.ingest.text import HEAD_BYTES, as_plain_utf8, header_columns, holds_many_tickers
from tests.conftest import HEADER, ROOT, bronze_of, raw_file, raw_row

ROWS = [raw_row("20240102"), raw_row("20240103", 10.5, 12, 10, 11, 2000.5), raw_row("20240104")]
STANDARD = raw_file(*ROWS, end="\n")
BARS = [
    (datetime(2024, 1, 2), 10.0, 11.0, 9.0, 10.5, 1000.0),
    (datetime(2024, 1, 3), 10.5, 12.0, 10.0, 11.0, 2000.5),
    (datetime(2024, 1, 4), 10.0, 11.0, 9.0, 10.5, 1000.0),
]
OLDER = "Date,Open,High,Low,Close,Volume"
OLDER_ROWS = [
    "2024-01-02,10,11,9,10.5,1000", "2024-01-03,10.5,12,10,11,2000.5", "20240104,10,11,9,10.5,1000",
]  # fmt: skip


def older(*rows: str, header: str = OLDER) -> bytes:
    return "\n".join((header, *(rows or OLDER_ROWS), "")).encode()


def quoted(content: bytes) -> bytes:
    return re.sub(rb'[^,\n"]+', lambda field: b'"' + field[0] + b'"', content)


def bars_of(content: bytes) -> list[tuple]:
    result = bronze_of(content)
    assert result.quality["status"] == "ok", result.quality["message"]
    assert result.quality["rows_rejected"] == 0, result.rejects["reasons"].to_list()
    return result.bars.select("trade_dt", "open", "high", "low", "close", "volume").rows()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_by_their_mark_and_line_ends(encoding, end):
    content = ("\ufeff" + STANDARD.decode().replace("\n", end)).encode(encoding)
    assert bars_of(content) == bars_of(STANDARD) == BARS


def test_a_cut_off_utf_16_file_loses_its_last_row_only():
    content = b"\xff\xfe" + STANDARD.decode().encode("utf-16-le")
    quality = bronze_of(content[:-25]).quality
    assert (quality["rows_valid"], quality["rows_rejected"]) == (2, 1)


def test_mixed_line_ends_lose_nothing_and_lines_are_counted():
    content = b"\r".join([HEADER.encode(), ROWS[0].encode()]) + b"\r\n" + ROWS[1].encode()
    content += b"\n\r\r" + ROWS[2].encode() + b"\r"
    result = parse(RawContent.of(content), "T.US")
    assert result.rows["source_line_no"].to_list() == [2, 3, 6]
    assert result.raw_lines([2, 3, 6]) == ROWS
    assert bars_of(content) == BARS


@given(
    st.lists(st.sampled_from(["\n", "\r\n", "\r", "\r\r\n", " \r", "\t\n"]), min_size=4, max_size=4)
)
def test_any_mixture_of_line_ends(ends):
    content = "".join(map("".join, zip([HEADER, *ROWS], ends, strict=True))).encode()
    assert bars_of(content) == BARS


@pytest.mark.parametrize(
    "content",
    [
        quoted(STANDARD),
        quoted(older()),
        quoted(STANDARD).replace(b"\n", b"\r\n"),
        STANDARD.replace(b"T.US", b'"T.US"').replace(b"10.5", b'" 10.5 "'),
        older(
            *(row.replace(",", ";") for row in OLDER_ROWS),
            header='"date";"OPEN";"High";"low";"CLOSE";"VOL"',
        ),
    ],
)
def test_a_pair_of_quotes_around_a_field_is_dropped(content):
    assert bars_of(content) == BARS


@pytest.mark.parametrize("name", ['"Acme, Inc."', '"a,b,c"', ' "A,B" ', '"",', "Acme"])
def test_a_separator_between_quotes_separates_nothing(name):
    rows = [row.replace(",", f",{name},", 1) for row in OLDER_ROWS[:2]]
    header = OLDER.replace("Date", 'Date,"Name"' + "," * name.endswith('",'))
    assert bars_of(older(*rows, header=header)) == BARS[:2]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('2024-01-05,"10,5",12,10,11,1', "parse_error"),
        ('2024-01-05,10.5,12,10,11,"2,000"', "parse_error"),
        ('2024-01-05,10"5,5",12,10,11,1', "malformed_row"),
        ('2024-01-05,"10,12,10,11,1,5', "malformed_row"),
    ],
)
def test_a_number_with_a_separator_is_never_guessed_at(row, reason):
    rejects = bronze_of(older(*OLDER_ROWS, row)).rejects
    assert rejects["reasons"].to_list() == [[reason]]
    assert rejects["raw_line"].to_list() == [row]


@pytest.mark.parametrize("end", ["\u2028", "\u0085", " "])
def test_lines_that_are_joined_are_no_header_and_are_not_lost(end):
    quality = bronze_of(STANDARD.decode().replace("\n", end).encode()).quality
    assert (quality["status"], quality["rows_rejected"]) == ("unreadable", 1)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_unreadable_and_says_so(encoding):
    quality = bronze_of(STANDARD.decode().encode(encoding)).quality
    assert quality["status"] == "unreadable" and "UTF-16" in quality["message"]
    assert quality["rows_total"] == quality["rows_rejected"] > 0


def test_a_tail_of_nul_bytes_is_one_reject_and_the_rest_is_read():
    quality = bronze_of(STANDARD + b"\0" * 5_000).quality
    assert (quality["status"], quality["rows_valid"], quality["rows_rejected"]) == ("ok", 3, 1)


@pytest.mark.parametrize("field", ['"', '"10', '10"', '""10""', '1"0'])
def test_other_quotes_are_part_of_the_field(field):
    row = raw_row("20240105", field, 11, 9, 10, 1)
    assert bronze_of(raw_file(*ROWS, row)).rejects["reasons"].to_list() == [["parse_error"]]


def test_a_quoted_blank_is_blank_and_raw_lines_keep_their_quotes():
    row = 'T.US,D,20240105,000000,"","11",9,10,1,0'
    rejects = bronze_of(raw_file(*ROWS, row)).rejects
    assert rejects["reasons"].to_list() == [["missing_field"]]
    assert rejects["raw_line"].to_list() == [row]


POLISH = "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen"


@pytest.mark.parametrize(
    "content",
    [
        older(header=POLISH),
        older(header=POLISH.upper()),
        older(header="Data,Otwarcie,Najwyższy,Najniższy,Zamknięcie,Wolumen"),
        older(header=",".join(f"<{word}>" for word in POLISH.split(","))),
        older(header=",".join(f'"{word}"' for word in POLISH.split(","))),
        b"\xef\xbb\xbf" + older(header=POLISH),
        *(
            "\n".join(("Data,Otwarcie,Najwyższy,Najniższy,Zamknięcie,Wolumen", *OLDER_ROWS)).encode(
                e
            )
            for e in ("cp1250", "iso-8859-2")
        ),
        older(*(f"{row},0" for row in OLDER_ROWS), header=POLISH + ",LOP"),
        older(*(f"{row}," for row in OLDER_ROWS), header=POLISH + ",lop"),
        older(
            *(row.replace(",", ",000000,", 1) for row in OLDER_ROWS),
            header=POLISH.replace(",", ",Czas,", 1),
        ),
    ],
)
def test_polish_header_names(content):
    assert bars_of(content) == BARS


def test_the_separator_is_the_one_that_makes_the_first_line_a_header():
    content = older(header="Date;Open;High;Low;Close;Volume;a,b,c,d,e,f,g,h").replace(
        b",10", b";10"
    )
    assert parse(RawContent.of(content), "T.US").delimiter == ";"


def test_a_header_of_other_words_is_none():
    assert header_columns("Datum,Eröffnung,Hoch", ",") is None
    assert header_columns("\ufffd\ufffd\ufffd\ufffd", ",") is None


def test_blank_openint_is_null_and_blank_time_midnight():
    content = raw_file(raw_row("20240102", openint=""), raw_row("20240103", time="", openint=" "))
    bars = bronze_of(content).bars
    assert bars["openint"].to_list() == [None, None]
    assert bars["trade_dt"].to_list() == [datetime(2024, 1, 2), datetime(2024, 1, 3)]
    assert bars_of(older(*(row + "," for row in OLDER_ROWS), header=OLDER + ",OpenInt")) == BARS


@pytest.mark.parametrize("column", ["ticker", "per"])
@pytest.mark.parametrize("more", ["", "\n"])
def test_a_blank_ticker_or_period_is_a_missing_field_whichever_reader(column, more):
    row = raw_row("20240105", **{column: ""})
    result = bronze_of(raw_file(*ROWS, row, end="\n") + more.encode())
    assert result.rejects["reasons"].to_list() == [["missing_field"]]
    assert result.bars.height == 3


@pytest.mark.parametrize("time", ["160000", "16:00:00", "16:00", "000001"])
def test_a_time_without_a_period_column_is_intraday(time):
    rows = [f"2024-01-02,{time},10,11,9,10.5,1000", "20240103,000000,10,11,9,10.5,1000"]
    result = bronze_of(older(*rows, header="Date,Time,Open,High,Low,Close,Volume"))
    assert result.rejects["reasons"].to_list() == [["bad_timeframe"]]
    assert result.bars["trade_dt"].to_list() == [datetime(2024, 1, 3)]


def test_midnight_in_any_form_is_daily_and_a_daily_bar_may_have_a_time():
    rows = [
        "20240102,00:00:00,10,11,9,10.5,1",
        "20240103,,10,11,9,10.5,1",
        "20240104,00:00,10,11,9,10.5,1",
        "20240105,0,10,11,9,10.5,1",  # as a spreadsheet writes 000000
        '20240108,"0000",10,11,9,10.5,1',
    ]
    result = bronze_of(older(*rows, header="Date,Time,Open,High,Low,Close,Volume"))
    assert result.bars.height == 5
    assert bronze_of(raw_file(raw_row("20240102", time="160000"))).bars.height == 1


def day_of(*tickers: str) -> bytes:
    return raw_file(*(raw_row("20240102", ticker=ticker) for ticker in tickers))


@pytest.mark.parametrize(
    ("content", "is_of_many"),
    [
        (day_of("A.US", "B.US", "C.US"), True),
        (day_of("T.US", "A.US", "B.US"), True),
        (day_of("T.US", "T.US", "A.US", "B.US"), False),  # half are its own
        (day_of("A.US", "A.US"), False),  # one other ticker: a renamed file
        (day_of("A.US"), False),
        (raw_file(*ROWS), False),
        (raw_file(), False),
        (b"", False),
        (b"\n \r\n", False),
        (older(), False),
        (bytes(range(256)) * 20, False),
        (raw_file("T.US,1", "A.US,2", "B.US,3", raw_row("20240102")), False),
        (quoted(day_of("A.US", "B.US", "C.US")), True),
        (b"\xff\xfe" + day_of("A.US", "B.US", "C.US").decode().encode("utf-16-le"), True),
        (day_of("A.US", "B.US", "C.US").replace(b"\r\n", b"\r"), True),
        (day_of("A.US", "B.US", "C.US").replace(b",", b";"), True),
        (day_of("A.US", "B.US", "C.US").split(b"\r\n", 1)[1], True),  # without a header
        (day_of("t.us", "T.US", "A.US", "B.US"), False),
        (day_of("T.US", "<TICKER>", "A US", "\x00B"), False),  # other faults than other tickers
    ],
)  # fmt: skip
def test_a_file_of_many_tickers(content, is_of_many):
    assert holds_many_tickers(content[:HEAD_BYTES], "T.US") == is_of_many
    quality = bronze_of(content).quality
    assert (quality["status"] == "many_tickers") == is_of_many
    if is_of_many:
        assert quality["rows_total"] == 0 and "many tickers" in quality["message"]


def test_only_the_beginning_of_a_file_tells():
    own = "".join(f"{raw_row('20240102')}\n" for _ in range(2_000)).encode()
    others = day_of("A.US", "B.US", "C.US") * 2_000
    assert len(own) > HEAD_BYTES
    content = HEADER.encode() + b"\n" + own + others
    assert not holds_many_tickers(content[:HEAD_BYTES], "T.US")
    assert bronze_of(content).quality["status"] == "ok"


BLANK_LINES = """
import resource, sys
from mf_etl.ingest.reader import RawContent, parse
from tests.conftest import HEADER, raw_file, raw_row

def used():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

for content in (raw_file(raw_row("20240102")), b"x,y"):
    parse(RawContent.of(content), "T.US")
end = bytes.fromhex(sys.argv[1])
content = HEADER.encode() + end + end * (20_000_000 // len(end))
before = used()
rows = parse(RawContent.of(content), "T.US")
assert rows.status == "empty", rows
print((used() - before) / len(content))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="memory is asked for in another way there")
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b" \t\n"])
def test_blank_lines_need_no_more_memory_than_a_few_times_the_file(end):
    done = subprocess.run(
        [sys.executable, "-c", BLANK_LINES, end.hex()],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) < 4


def test_plain_text_has_one_kind_of_line_end():
    assert as_plain_utf8(b"\xef\xbb\xbfa\r\nb\rc\n\r\r\n") == b"a\nb\nc\n\n\n"
