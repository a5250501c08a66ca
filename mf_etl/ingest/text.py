"""The text of a raw file: encoding, line ends, separator, quotes and header. Imports nothing heavy."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator, Sequence

# The columns of a Stooq file in their standard order, by the names used here.
STANDARD_COLUMNS = (
    "ticker", "per", "date", "time", "open", "high", "low", "close", "volume", "openint",
)  # fmt: skip
STANDARD_HEADER = b"<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"
DELIMITERS = (",", ";", "\t", "|")
BLANKS = " \t\r\x0b\x0c\xa0"
# Other names of the columns: of the older export, and of the downloads in Polish.
_ALIASES = {
    "vol": "volume", "data": "date", "czas": "time", "otwarcie": "open", "najwyzszy": "high",
    "najnizszy": "low", "zamkniecie": "close", "wolumen": "volume", "lop": "openint",
}  # fmt: skip
_KNOWN = (*STANDARD_COLUMNS, *_ALIASES)
# The mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What of a file tells whether it is one of many tickers, and what is said of such a file.
HEAD_BYTES = 65_536
MANY_TICKERS = (
    "a file of many tickers, such as Stooq's daily update files; a ticker's own file is needed"
)
TICKER_PATTERN = r"[A-Z0-9][A-Z0-9._-]{0,39}"
_TICKER = re.compile(TICKER_PATTERN)
_UNDECODABLE = "\ufffd"
_NUMBER = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?")
_NOT_BLANK = re.compile(rf"[^\n{BLANKS}]")


def as_plain_utf8(content: bytes) -> bytes:
    """`content` in UTF-8 without a byte-order mark, with LF as its only line end."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            content = content[len(mark) :]
            if encoding != "utf-8":
                content = content.decode(encoding, errors="replace").encode("utf-8")
            break
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of `text` that are not blank, each with its number from 1; LF ends a line."""
    number, end = 1, 0
    # From one line's end to the next character that is not blank: blank lines cost no object each.
    while found := _NOT_BLANK.search(text, end):
        start = max(text.rfind("\n", end, found.start()) + 1, end)
        number += text.count("\n", end, start)
        end = text.find("\n", found.end())
        end = len(text) if end < 0 else end
        yield number, text[start:end]


def first_line(line: str) -> tuple[str, tuple[str, ...] | None]:
    """The separator of a file by its first line, and the columns if that line is a header.

    The separator is the one that makes it a header, or else the one that it has most of.
    """
    marks = sorted(DELIMITERS, key=lambda mark: (line.count(mark), mark == ","), reverse=True)
    for mark in marks:
        if columns := header_columns(line, mark):
            return mark, columns
    return marks[0], None


def field(text: str) -> str:
    """A field without surrounding blanks and without a pair of double quotes around the whole."""
    text = text.strip(BLANKS)
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].strip(BLANKS)
    return text


def header_columns(line: str, delimiter: str) -> tuple[str, ...] | None:
    """Names of the columns by a header line, or None if the line is no header.

    A line with a number in it is none: else lines that an unknown line end joins would be lost.
    """
    names = tuple(_column_name(field(word)) for word in line.split(delimiter))
    if any(map(_NUMBER.fullmatch, names)):
        return None
    known = set(names) & set(STANDARD_COLUMNS)
    return names if "date" in known and known & {"open", "high", "low", "close"} else None


def holds_many_tickers(head: bytes, ticker: str) -> bool:
    """Whether a file that begins with `head` is one of many tickers, not of `ticker` alone.

    So it is if more than one other ticker is in its rows and less than half of them are its own.
    """
    own = ticker.encode().lower()
    if 2 * head.lower().count(b"\n" + own + b",") >= max(head.count(b"\n"), 1):
        return False  # the usual file, told at a glance
    lines = numbered_lines(as_plain_utf8(head).decode("utf-8", errors="replace"))
    first = next(lines, None)
    if first is None:
        return False
    delimiter, header = first_line(first[1])
    columns: Sequence[str] = header or STANDARD_COLUMNS
    if "ticker" not in columns:
        return False
    place = columns.index("ticker")
    rows = [line.split(delimiter) for _, line in ([] if header else [first])]
    rows += [line.split(delimiter) for _, line in lines]
    named = [field(row[place]).upper() for row in rows if len(row) == len(columns)]
    # What does not look like a ticker is another fault, and says nothing.
    named = [name for name in named if _TICKER.fullmatch(name)]
    others = [name for name in named if name != ticker]
    return len(set(others)) > 1 and len(others) > len(named) / 2


def _column_name(word: str) -> str:
    """The name used here of a header word, in any case, with or without <> and diacritics."""
    word = word.strip("<>").strip(BLANKS).lower().replace("ł", "l")
    word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    if _UNDECODABLE in word:
        # A letter in another encoding: any letter will do in its place.
        shape = re.escape(word).replace(_UNDECODABLE, ".")
        word = next((known for known in _KNOWN if re.fullmatch(shape, known)), word)
    return _ALIASES.get(word, word)
