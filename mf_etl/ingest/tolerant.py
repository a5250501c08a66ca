"""The reader for whatever the fast path does not take: it reads what is certain and flags the rest."""

from __future__ import annotations

import polars as pl

from mf_etl.ingest.limits import LINE_BYTES, with_cut_lines
from mf_etl.ingest.rows import (
    LARGEST_WHOLE,
    PRICE_COLUMNS,
    ROW_SCHEMA,
    STANDARD_COLUMNS,
    RawRows,
    Status,
    no_rows,
)

DELIMITERS = (",", ";", "\t", "|")
_ALIASES = {"vol": "volume"}
_REQUIRED = ("date", *PRICE_COLUMNS)
_BLANKS = " \t\r\x0b\x0c\xa0"
_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_DATE = r"^(\d{8}|\d{4}-\d{2}-\d{2})$"
_TIME = r"^\d{6}$"


def read_tolerant(content: bytes, line_bytes: int = LINE_BYTES) -> RawRows:
    """Rows of any file: every non-blank line but the header is a row, good or flagged.

    Takes UTF-8 with or without BOM (undecodable bytes replaced), LF or CRLF, blank lines,
    surrounding blanks, the separators ``, ; tab |``, columns by header name in any order and case,
    a missing header (then the ten standard columns), and the seven-column export without ticker,
    period and time. A line of more than `line_bytes` is cut and rejected.
    """
    lines = with_cut_lines(content, line_bytes).decode("utf-8-sig", errors="replace").split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip(_BLANKS)), None)
    if first is None:
        message = "the file has no bytes" if not content else "the file has only blank lines"
        return RawRows(no_rows(), lines, "empty", message, False, ",", "tolerant")
    delimiter = max(DELIMITERS, key=lambda mark: (lines[first].count(mark), mark == ","))
    header = _header(lines[first], delimiter)
    columns = header or STANDARD_COLUMNS
    text = pl.DataFrame(
        {"source_line_no": pl.int_range(1, len(lines) + 1, eager=True), "line": lines}
    ).filter(pl.col("line").str.strip_chars(_BLANKS) != "")
    if header:
        text = text[1:]
    rows = _typed(text, columns, delimiter, line_bytes)
    status, message = _verdict(rows, columns)
    return RawRows(rows, lines, status, message, bool(header), delimiter, "tolerant")


def _header(line: str, delimiter: str) -> tuple[str, ...] | None:
    """Column names of a header line, or None if the line is no header."""
    words = (word.strip(_BLANKS).strip("<>").lower() for word in line.split(delimiter))
    names = tuple(_ALIASES.get(word, word) for word in words)
    known = set(names) & set(STANDARD_COLUMNS)
    return names if "date" in known and known & {"open", "high", "low", "close"} else None


def _typed(
    text: pl.DataFrame, columns: tuple[str, ...], delimiter: str, line_bytes: int
) -> pl.DataFrame:
    """Fields by column, parsed; flags for lines, blanks and texts that cannot be."""
    fields = pl.col("line").str.split(delimiter)
    split = text.select(
        "source_line_no",
        q_malformed_row=(fields.list.len() != len(columns))
        | (pl.col("line").str.len_bytes() > line_bytes),
        fields=fields,
    )
    named = split.select(
        "source_line_no",
        "q_malformed_row",
        *(
            pl.when("q_malformed_row")
            .then(pl.lit(None, pl.String))
            .otherwise(
                pl.col("fields")
                .list.get(columns.index(name), null_on_oob=True)
                # A blank field is null: what is missing is told apart from what is wrong.
                .str.strip_chars(_BLANKS)
                .replace("", None)
                if name in columns
                else pl.lit(None, pl.String)
            )
            .alias(name)
            for name in STANDARD_COLUMNS
        ),
    )
    # A column that the header does not have is no gap in the row, unless bars need it.
    needed = [name for name in STANDARD_COLUMNS if name in columns or name in _REQUIRED]
    numbers = [*PRICE_COLUMNS, "openint"]
    parsed = named.select(
        "source_line_no",
        "ticker",
        "per",
        _moment(has_time="time" in columns).alias("trade_dt"),
        *(_number(name).alias(name) for name in numbers),
        "q_malformed_row",
        q_missing_field=~pl.col("q_malformed_row")
        & pl.any_horizontal(pl.col(name).is_null() for name in needed),
        stated=pl.sum_horizontal(pl.col(name).is_not_null() for name in numbers),
        dated=pl.all_horizontal(
            pl.col(name).is_not_null() for name in ("date", "time") if name in columns
        ),
    )
    understood = pl.sum_horizontal(pl.col(name).is_not_null() for name in numbers)
    return parsed.with_columns(
        pl.col("openint").cast(pl.Int64),
        q_parse_error=(pl.col("stated") != understood)
        | (pl.col("dated") & pl.col("trade_dt").is_null()),
    ).select(pl.col(name).cast(dtype) for name, dtype in ROW_SCHEMA.items())


def _number(name: str) -> pl.Expr:
    """A finite number in plain or scientific notation, else null; open interest is whole."""
    text = pl.col(name)
    value = text.str.replace(r"^\+", "").cast(pl.Float64, strict=False)
    certain = text.str.contains(_NUMBER) & value.is_finite()
    if name == "openint":
        certain &= (value == value.round()) & (value.abs() <= LARGEST_WHOLE)
    return pl.when(certain).then(value)


def _moment(*, has_time: bool) -> pl.Expr:
    """Date (compact or ISO) and time (HHMMSS; midnight without such a column), else null."""
    date = pl.when(pl.col("date").str.contains(_DATE)).then(
        pl.col("date").str.replace_all("-", "", literal=True)
    )
    time = (
        pl.when(pl.col("time").str.contains(_TIME)).then("time") if has_time else pl.lit("000000")
    )
    moment = pl.concat_str(date, time).str.to_datetime(
        "%Y%m%d%H%M%S", time_unit="us", strict=False, exact=True
    )
    # Chrono takes second 60 for a leap second; the fast path and the calendar do not.
    return pl.when(time.str.slice(4, 2) < "60").then(moment)


def _verdict(rows: pl.DataFrame, columns: tuple[str, ...]) -> tuple[Status, str]:
    if missing := [name for name in _REQUIRED if name not in columns]:
        return "unreadable", f"the header lacks the columns {', '.join(missing)}"
    if not rows.height:
        return "empty", "the file has a header and no data line"
    if rows.get_column("q_malformed_row").all():
        return "unreadable", f"no line has the {len(columns)} fields of a row"
    return "ok", ""
