"""What goes wrong in real archives, planted one kind a file, and what bronze should say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mf_etl.ingest.text import STANDARD_HEADER as HEADER

TICKER, PER, DATE, TIME, OPEN, HIGH, LOW, CLOSE, VOLUME, OPENINT = range(10)
PRICES = (OPEN, HIGH, LOW, CLOSE)
OLD_HEADER = b"Date,Open,High,Low,Close,Volume,OpenInt"
POLISH_HEADER = b"Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen,LOP"
# A file with an anomaly has at least so many rows before the anomaly is planted.
FEWEST_ROWS = 40
GARBAGE_BYTES = 4096
SEPARATORS = b",;\t|"

Rows = list[list[bytes]]


@dataclass(frozen=True, slots=True)
class Planted:
    """The bytes of a file with its anomaly, and the 1-based lines that have it, if not all do."""

    content: bytes
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A kind of anomaly.

    `flags` are the bronze flags that are set on the planted lines; `rejected` is whether those rows
    go to rejects; `status` is that of the quality report; `role` that of the file in the universe.
    """

    meaning: str
    plant: Callable[[Rows, int], Planted]
    flags: tuple[str, ...] = ()
    rejected: bool = False
    status: str = "ok"
    role: str = "build"


@dataclass(frozen=True, slots=True)
class PlantedAnomaly:
    """One anomaly of an archive: a row of its truth table.

    `lines` are the 1-based lines of `source_file` (relative to the archive's folder) that have the
    anomaly; empty if it is the file as a whole. `flags`, `rejected`, `status` and `role` are as in
    `Anomaly`.
    """

    kind: str
    ticker: str
    exchange: str
    source_file: str
    lines: tuple[int, ...]
    flags: tuple[str, ...]
    rejected: bool
    status: str
    role: str


def plant(kind: str, content: bytes, draw: int) -> Planted:
    """`content` (a well-formed file of `FEWEST_ROWS` or more) with the anomaly `kind`.

    `draw` is a random whole number in [0, 2**32) that places the anomaly.
    """
    rows = [line.split(b",") for line in content.split(b"\r\n")[1:-1]]
    return ANOMALIES[kind].plant(rows, draw)


def _file(rows: Rows, lines: tuple[int, ...] = ()) -> Planted:
    body = [b",".join(row) for row in rows]
    return Planted(b"\r\n".join([HEADER, *body, b""]), lines)


def _line(row: int) -> int:
    return row + 2


def _middle(rows: Rows, draw: int) -> int:
    """A row of the middle half."""
    quarter = len(rows) // 4
    return quarter + draw % (2 * quarter)


def _whole_file(change: Callable[[Rows, int], bytes]) -> Callable[[Rows, int], Planted]:
    return lambda rows, draw: Planted(change(rows, draw))


def _changed_row(
    change: Callable[[list[bytes]], list[bytes]],
) -> Callable[[Rows, int], Planted]:
    def plant_row(rows: Rows, draw: int) -> Planted:
        row = _middle(rows, draw)
        return _file([*rows[:row], change(rows[row]), *rows[row + 1 :]], (_line(row),))

    return plant_row


def _from_row(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Rows, int], Planted]:
    """The change on every row from one of the middle half on; the first of them has the anomaly."""

    def plant_rows(rows: Rows, draw: int) -> Planted:
        row = _middle(rows, draw)
        return _file([*rows[:row], *map(change, rows[row:])], (_line(row),))

    return plant_rows


def _tenth(row: list[bytes]) -> list[bytes]:
    return _with(row, {field: _number(float(row[field]) / 10) for field in PRICES})


def _with(row: list[bytes], values: dict[int, bytes]) -> list[bytes]:
    return [values.get(field, text) for field, text in enumerate(row)]


def _replaced(values: dict[int, bytes]) -> Callable[[Rows, int], Planted]:
    return _changed_row(lambda row: _with(row, values))


def _number(value: float) -> bytes:
    return f"{value:.8f}".rstrip("0").rstrip(".").encode()


def _garbage(rows: Rows, draw: int) -> bytes:
    # With separators, one file in fifty would by chance hold a line with the fields of a row.
    noise = np.random.default_rng(draw).bytes(GARBAGE_BYTES)
    return b"\x00\xff" + noise.translate(None, SEPARATORS)


def _truncated(rows: Rows, draw: int) -> Planted:
    start = b",".join(rows[-1][:LOW])
    return Planted(_file(rows[:-1]).content + start, (_line(len(rows) - 1),))


def _equal_duplicate(rows: Rows, draw: int) -> Planted:
    row = _middle(rows, draw)
    return _file([*rows[: row + 1], *rows[row:]], (_line(row + 1),))


def _unequal_duplicate(rows: Rows, draw: int) -> Planted:
    row = _middle(rows, draw)
    other = _with(rows[row], {VOLUME: _number(float(rows[row][VOLUME]) + 1)})
    return _file([*rows[: row + 1], other, *rows[row + 1 :]], (_line(row), _line(row + 1)))


def _wrong_field_counts(rows: Rows, draw: int) -> Planted:
    row = _middle(rows, draw)
    changed = [rows[row][:-1], [*rows[row + 1], b"0"]]
    return _file([*rows[:row], *changed, *rows[row + 2 :]], (_line(row), _line(row + 1)))


def _long_gap(rows: Rows, draw: int) -> Planted:
    """Everything before a row moves back by 53 weeks, so that weekdays stay weekdays."""
    row = _middle(rows, draw)
    early = [_with(before, {DATE: _weeks_earlier(before[DATE], 53)}) for before in rows[:row]]
    return _file([*early, *rows[row:]], (_line(row),))


def _weeks_earlier(date: bytes, weeks: int) -> bytes:
    day = np.datetime64(_iso(date).decode()) - 7 * weeks
    return str(day).replace("-", "").encode()


def _iso(date: bytes) -> bytes:
    return b"-".join([date[:4], date[4:6], date[6:]])


def _formatted(form: str, factor: float = 1.0) -> Callable[[Rows, int], bytes]:
    """Every price in another notation."""

    def change(rows: Rows, draw: int) -> bytes:
        texts = (
            _with(row, {f: format(float(row[f]) * factor, form).encode() for f in PRICES})
            for row in rows
        )
        return _file(list(texts)).content

    return change


def _older_export(rows: Rows, draw: int) -> bytes:
    body = [b",".join([_iso(row[DATE]), *row[OPEN:]]) for row in rows]
    return b"\r\n".join([OLD_HEADER, *body, b""])


def _quoted(rows: Rows) -> bytes:
    lines = [HEADER.split(b","), *rows]
    return b"".join(b",".join(b'"%s"' % text for text in line) + b"\r\n" for line in lines)


def _of_many(rows: Rows) -> bytes:
    return _file([_with(row, {TICKER: b"ZZ%d.US" % n}) for n, row in enumerate(rows)]).content


ANOMALIES: dict[str, Anomaly] = {
    "zero_bytes": Anomaly("no byte at all", _whole_file(lambda *_: b""), status="empty"),
    "header_only": Anomaly(
        "no data line", _whole_file(lambda *_: HEADER + b"\r\n"), status="empty"
    ),
    "truncated_last_line": Anomaly(
        "the last line ends after its high", _truncated, ("q_malformed_row",), True
    ),
    "binary_garbage": Anomaly("bytes of no text", _whole_file(_garbage), status="unreadable"),
    "open_outside_range": Anomaly(
        "open above high",
        _changed_row(lambda row: _with(row, {OPEN: _number(float(row[HIGH]) * 1.5)})),
        ("q_ohlc_outside_hl",),
        True,
    ),
    "close_outside_range": Anomaly(
        "close below low",
        _changed_row(lambda row: _with(row, {CLOSE: _number(float(row[LOW]) * 0.5)})),
        ("q_ohlc_outside_hl",),
        True,
    ),
    "high_below_low": Anomaly(
        "high below low, so open and close are outside as well",
        _changed_row(lambda row: _with(row, {HIGH: _number(float(row[LOW]) * 0.5)})),
        ("q_high_lt_low", "q_ohlc_outside_hl"),
        True,
    ),
    "zero_price": Anomaly("a low of zero", _replaced({LOW: b"0"}), ("q_nonpositive_price",), True),
    "negative_price": Anomaly(
        "a low below zero", _replaced({LOW: b"-1.25"}), ("q_nonpositive_price",), True
    ),
    "negative_volume": Anomaly(
        "volume below zero", _replaced({VOLUME: b"-4200"}), ("q_negative_volume",), True
    ),
    "equal_duplicate": Anomaly(
        "a line twice; the first stays", _equal_duplicate, ("q_duplicate_ticker_date",), True
    ),
    "unequal_duplicate": Anomaly(
        "two bars of one day that disagree; none stays",
        _unequal_duplicate,
        ("q_duplicate_ticker_date",),
        True,
    ),
    "unparsable_number": Anomaly(
        "a word for a price", _replaced({CLOSE: b"n/a"}), ("q_parse_error",), True
    ),
    "impossible_date": Anomaly(
        "30 February", _replaced({DATE: b"20230230"}), ("q_parse_error",), True
    ),
    "missing_field": Anomaly("no open", _replaced({OPEN: b""}), ("q_missing_field",), True),
    "wrong_field_count": Anomaly(
        "nine fields, then eleven", _wrong_field_counts, ("q_malformed_row",), True
    ),
    "ticker_mismatch": Anomaly(
        "another ticker's row", _replaced({TICKER: b"ZZZZZZ.US"}), ("q_ticker_mismatch",), True
    ),
    "bad_timeframe": Anomaly("a weekly bar", _replaced({PER: b"W"}), ("q_bad_timeframe",), True),
    "long_gap": Anomaly("over a year without a bar", _long_gap, ("q_gap_in_calendar",)),
    "price_spike": Anomaly(
        "a day whose prices lost a digit: in `price_spikes` of the report, and no flag",
        _changed_row(_tenth),
    ),
    "price_step": Anomaly(
        "prices a tenth of those before, from a day on: a split that is not adjusted",
        _from_row(_tenth),
        ("q_price_step",),
    ),
    "no_trade": Anomaly("a day of no volume", _replaced({VOLUME: b"0"}), ("q_no_trade",)),
    "huge_prices": Anomaly("prices of about 1e15: valid", _whole_file(_formatted(".0f", 1e14))),
    "scientific_notation": Anomaly("prices such as 1.5e+01: valid", _whole_file(_formatted(".9e"))),
    "many_decimals": Anomaly(
        "prices with 14 decimals: valid", _whole_file(_formatted(".14f", 1 / 3))
    ),
    "older_export": Anomaly("the export of seven columns: valid", _whole_file(_older_export)),
    "byte_order_mark": Anomaly(
        "UTF-8 with BOM: valid", _whole_file(lambda rows, _: b"\xef\xbb\xbf" + _file(rows).content)
    ),
    "utf_16": Anomaly(
        "UTF-16 with BOM: valid",
        _whole_file(lambda rows, _: _file(rows).content.decode().encode("utf-16")),
    ),
    "cr_only": Anomaly(
        "CR as the line end: valid",
        _whole_file(lambda rows, _: _file(rows).content.replace(b"\r\n", b"\r")),
    ),
    "quoted_fields": Anomaly(
        "double quotes around every field: valid", _whole_file(lambda rows, _: _quoted(rows))
    ),
    "polish_header": Anomaly(
        "the header of the Polish download page: valid",
        _whole_file(lambda rows, _: _older_export(rows, 0).replace(OLD_HEADER, POLISH_HEADER)),
    ),
    "many_tickers": Anomaly(
        "rows of many tickers, as in a daily update file",
        _whole_file(lambda rows, _: _of_many(rows)),
        status="many_tickers",
        role="ignored",
    ),
    "semicolons": Anomaly(
        "semicolons for commas: valid",
        _whole_file(lambda rows, _: _file(rows).content.replace(b",", b";")),
    ),
    "missing_header": Anomaly(
        "data from the first line: valid",
        _whole_file(lambda rows, _: _file(rows).content[len(HEADER) + 2 :]),
    ),
    "unknown_folder": Anomaly(
        "under a folder of no exchange", lambda rows, _: _file(rows), role="ignored"
    ),
    "shadowed_copy": Anomaly(
        "a shorter second file in another sub-folder",
        lambda rows, _: _file(rows[: len(rows) // 2]),
        role="shadowed",
    ),
}
