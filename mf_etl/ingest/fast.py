"""The columnar path for a well-formed file; anything unusual is left to the tolerant reader."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv

from mf_etl.ingest.rows import LARGEST_WHOLE, PRICE_COLUMNS, READ_FLAGS, RawRows
from mf_etl.ingest.text import STANDARD_COLUMNS, STANDARD_HEADER

_TYPES = {name: pa.string() for name in STANDARD_COLUMNS[:4]} | {
    name: pa.float64() for name in STANDARD_COLUMNS[4:]
}
# No word means null, and no other spelling of a number is taken, so that both readers agree.
_CONVERT = pyarrow.csv.ConvertOptions(
    column_types=_TYPES, null_values=[], strings_can_be_null=False, check_utf8=True
)
_PARSE = pyarrow.csv.ParseOptions(
    delimiter=",", quote_char=False, escape_char=False, ignore_empty_lines=False
)
# Printable characters without the blank and the quote: with these alone, and one kind of line end,
# the CSV parser and the tolerant reader agree on what a field holds.
_PLAIN = bytes(set(range(33, 127)) - {ord('"')})


def read_fast(content: bytes) -> RawRows | None:
    """Rows of a file in the exact standard form, or None if it is not in that form.

    The form: the standard header, comma-separated, one kind of line end, no blank line, ten fields
    of the expected type in every row, dates ``YYYYMMDD`` and times ``HHMMSS`` that exist.
    """
    start = len(STANDARD_HEADER)
    crlf = content[start : start + 2] == b"\r\n"
    line_end = b"\r\n" if crlf else b"\n"
    body_start = start + len(line_end)
    if not content.startswith(STANDARD_HEADER + line_end) or len(content) == body_start:
        return None
    line_ends = content.translate(None, _PLAIN)
    lines = len(line_ends) // len(line_end)
    if line_ends != line_end * lines or (line_end + line_end) in content:
        return None
    try:
        table = pyarrow.csv.read_csv(
            pa.py_buffer(content).slice(body_start),
            read_options=pyarrow.csv.ReadOptions(
                column_names=list(STANDARD_COLUMNS), use_threads=False, block_size=len(content)
            ),
            parse_options=_PARSE,
            convert_options=_CONVERT,
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != lines - content.endswith(b"\n") or _any_blank(table):
        return None
    trade_dt = _trade_datetimes(table["date"], table["time"])
    frame = pl.DataFrame(pl.from_arrow(table.drop_columns(["date", "time"])))
    if trade_dt is None or not _all_plain_numbers(frame):
        return None
    rows = pl.DataFrame(
        [
            pl.Series("source_line_no", np.arange(2, frame.height + 2)),
            frame.get_column("ticker"),
            frame.get_column("per"),
            trade_dt,
            *(frame.get_column(name) for name in PRICE_COLUMNS),
            frame.get_column("openint").cast(pl.Int64),
            *(pl.repeat(False, frame.height, eager=True).alias(name) for name in READ_FLAGS),
        ]
    )
    return RawRows(rows, content, "ok", "", True, ",", "fast")


def _any_blank(table: pa.Table) -> bool:
    """Whether a ticker or a period is missing."""
    return any(
        (np.diff(_offsets(chunk)) == 0).any()
        for name in ("ticker", "per")
        for chunk in table[name].chunks
    )


def _offsets(text: pa.StringArray) -> np.ndarray:
    """Where each text begins and ends in the buffer of all of them."""
    offsets = np.frombuffer(text.buffers()[1], np.int32)
    return offsets[text.offset : text.offset + len(text) + 1]


def _all_plain_numbers(frame: pl.DataFrame) -> bool:
    """No number is NaN or infinite, and open interest is whole."""
    openint = frame.get_column("openint").to_numpy()
    if (openint != np.rint(openint)).any() or np.abs(openint).max() > LARGEST_WHOLE:
        return False
    return all(frame.get_column(name).is_finite().all() for name in PRICE_COLUMNS)


def _trade_datetimes(date: pa.ChunkedArray, time: pa.ChunkedArray) -> pl.Series | None:
    """Dates and times of exactly eight and six digits, or None if any is not."""
    days = _digits(date, 8)
    seconds = _digits(time, 6)
    if days is None or seconds is None:
        return None
    year, month, day = days // 10000, days // 100 % 100, days % 100
    hour, minute, second = seconds // 10000, seconds // 100 % 100, seconds % 100
    if min(year.min(), month.min(), day.min()) < 1 or month.max() > 12 or day.max() > 31:
        return None
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        return None
    months = (year - 1970).astype("M8[Y]").astype("M8[M]") + (month - 1)
    dates = months.astype("M8[D]") + (day - 1)
    if (dates.astype("M8[M]") != months).any():
        return None
    moments = dates.astype("M8[us]") + (hour * 3600 + minute * 60 + second).astype("m8[s]")
    return pl.Series("trade_dt", moments)


def _digits(text: pa.ChunkedArray, count: int) -> np.ndarray | None:
    """Numbers written as exactly `count` digits, or None if any is not."""
    array = text.combine_chunks()
    offsets = _offsets(array)
    if (np.diff(offsets) != count).any():
        return None
    characters = np.frombuffer(array.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    values = characters.reshape(-1, count).astype(np.int64) - ord("0")
    if values.min() < 0 or values.max() > 9:
        return None
    return values @ (10 ** np.arange(count - 1, -1, -1, dtype=np.int64))
