"""The reader for whatever the fast path does not take: it reads what is certain and flags the rest."""

from __future__ import annotations

import re

import polars as pl

from mf_etl.ingest.limits import LINE_BYTES, with_cut_lines
from mf_etl.ingest.rows import (
    INTRADAY,
    LARGEST_WHOLE,
    PRICE_COLUMNS,
    ROW_SCHEMA,
    RawRows,
    Status,
    no_rows,
)
from mf_etl.ingest.text import (
    BLANKS,
    STANDARD_COLUMNS,
    as_plain_utf8,
    first_line,
    numbered_lines,
)

_REQUIRED = ("date", *PRICE_COLUMNS)
# Of the columns that a header has, these may be blank in a row: open interest is null, time midnight.
_MAY_BE_BLANK = ("time", "openint")
_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_DATE = r"^(\d{8}|\d{4}-\d{2}-\d{2})$"
# Whoever takes 000000 for a number writes it as 0.
_TIME = r"^(\d{6}|0{1,5}|\d{2}:\d{2}(:\d{2})?)$"
_MIDNIGHT = "000000"
_QUOTED_SEPARATOR = "\x1f"


def read_tolerant(content: bytes, line_bytes: int = LINE_BYTES) -> RawRows:
    """Rows of any file: every non-blank line but the header is a row, good or flagged.

    Takes UTF-8 with or without BOM (undecodable bytes replaced), UTF-16 and UTF-32 by their BOM; LF,
    CRLF and CR as line ends; blank lines; surrounding blanks; double quotes around whole fields; the
    separators ``, ; tab |``; columns by header name in any order and case, Polish names too; a
    missing header (then the ten standard columns); and the seven-column export without ticker, period
    and time. A line of more than `line_bytes` is cut and rejected.
    """
    plain = with_cut_lines(as_plain_utf8(content), line_bytes)
    lines = numbered_lines(plain.decode("utf-8", errors="replace"))
    first = next(lines, None)
    if first is None:
        message = "the file has no bytes" if not content else "the file has only blank lines"
        return RawRows(
            no_rows(), pl.Series(dtype=pl.String), "empty", message, False, ",", "tolerant"
        )
    delimiter, header = first_line(first[1])
    columns = header or STANDARD_COLUMNS
    text = pl.DataFrame(
        [*([] if header else [first]), *lines],
        schema={"source_line_no": pl.Int64, "line": pl.String},
        orient="row",
    )
    rows = _typed(text, columns, delimiter, line_bytes)
    status, message = _verdict(rows, columns, has_nul=b"\0" in plain)
    line = text.get_column("line")
    return RawRows(rows, line, status, message, bool(header), delimiter, "tolerant")


def _typed(
    text: pl.DataFrame, columns: tuple[str, ...], delimiter: str, line_bytes: int
) -> pl.DataFrame:
    """Fields by column, parsed; flags for lines, blanks and texts that cannot be."""
    fields = pl.col("line").str.split(delimiter)
    is_quoted = (fields.list.len() != len(columns)) & pl.col("line").str.contains('"', literal=True)
    text = _without_quoted_separators(text, text.select(is_quoted).to_series(), delimiter)
    split = text.select(
        "source_line_no",
        q_malformed_row=pl.lit(bool(_repeated(columns)))
        | (fields.list.len() != len(columns))
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
                _field(pl.col("fields").list.get(columns.index(name), null_on_oob=True))
                if name in columns
                else pl.lit(None, pl.String)
            )
            .alias(name)
            for name in STANDARD_COLUMNS
        ),
    )
    # A column that the header does not have is no gap in the row, unless bars need it.
    needed = [
        name
        for name in STANDARD_COLUMNS
        if name in _REQUIRED or (name in columns and name not in _MAY_BE_BLANK)
    ]
    numbers = [*PRICE_COLUMNS, "openint"]
    parsed = named.select(
        "source_line_no",
        "ticker",
        ("per" if "per" in columns else _period_by_time()),
        _moment().alias("trade_dt"),
        *(_number(name).alias(name) for name in numbers),
        "q_malformed_row",
        q_missing_field=~pl.col("q_malformed_row")
        & pl.any_horizontal(pl.col(name).is_null() for name in needed),
        stated=pl.sum_horizontal(pl.col(name).is_not_null() for name in numbers),
        dated=pl.col("date").is_not_null(),
    )
    understood = pl.sum_horizontal(pl.col(name).is_not_null() for name in numbers)
    return parsed.with_columns(
        pl.col("openint").cast(pl.Int64),
        q_parse_error=(pl.col("stated") != understood)
        | (pl.col("dated") & pl.col("trade_dt").is_null()),
    ).select(pl.col(name).cast(dtype) for name, dtype in ROW_SCHEMA.items())


def _without_quoted_separators(
    text: pl.DataFrame, chosen: pl.Series, delimiter: str
) -> pl.DataFrame:
    """In the `chosen` lines another character for each separator in a field that is in quotes.

    A number with a separator in it, such as ``"10,5"``, is then a field that cannot be parsed.
    """
    if not chosen.any():
        return text
    mark = re.escape(delimiter)
    quoted = re.compile(rf'(?<![^{mark}])[{BLANKS}]*"[^"]*"[{BLANKS}]*(?![^{mark}])')
    lines = text.get_column("line").clone()
    masked = [
        quoted.sub(lambda found: found[0].replace(delimiter, _QUOTED_SEPARATOR), line)
        for line in lines.filter(chosen)
    ]
    return text.with_columns(lines.scatter(chosen.arg_true(), masked))


def _number(name: str) -> pl.Expr:
    """A finite number in plain or scientific notation, else null; open interest is whole."""
    text = pl.col(name)
    value = text.str.replace(r"^\+", "").cast(pl.Float64, strict=False)
    certain = text.str.contains(_NUMBER) & value.is_finite()
    if name == "openint":
        certain &= (value == value.round()) & (value.abs() <= LARGEST_WHOLE)
    return pl.when(certain).then(value)


def _field(text: pl.Expr) -> pl.Expr:
    """A field without blanks and a pair of quotes around it.

    A blank field is null: what is missing is told apart from what is wrong.
    """
    inner = text.str.strip_chars(BLANKS)
    quoted = inner.str.len_bytes().gt(1) & inner.str.starts_with('"') & inner.str.ends_with('"')
    bare = inner.str.strip_prefix('"').str.strip_suffix('"').str.strip_chars(BLANKS)
    return pl.when(quoted).then(bare).otherwise(inner).replace("", None)


def _digits_of_time() -> pl.Expr:
    """A time as HHMMSS; a blank time, or no such column, is midnight; null if it is no time."""
    written = pl.col("time").fill_null(_MIDNIGHT)
    digits = written.str.replace_all(":", "", literal=True).str.pad_end(6, "0")
    return pl.when(written.str.contains(_TIME)).then(digits)


def _period_by_time() -> pl.Expr:
    """Of a file without a PER column: a time other than midnight is that of an intraday bar."""
    return pl.when(_digits_of_time() != _MIDNIGHT).then(pl.lit(INTRADAY)).alias("per")


def _moment() -> pl.Expr:
    """Date (compact or ISO) and time, else null."""
    date = pl.when(pl.col("date").str.contains(_DATE)).then(
        pl.col("date").str.replace_all("-", "", literal=True)
    )
    time = _digits_of_time()
    moment = pl.concat_str(date, time).str.to_datetime(
        "%Y%m%d%H%M%S", time_unit="us", strict=False, exact=True
    )
    # Chrono takes second 60 for a leap second and has a year 0; the calendar and the fast path do not.
    return pl.when((time.str.slice(4, 2) < "60") & (moment.dt.year() > 0)).then(moment)


def _repeated(columns: tuple[str, ...]) -> list[str]:
    """Columns that a header names more than once: which of them is meant is not guessed at."""
    return [name for name in STANDARD_COLUMNS if columns.count(name) > 1]


def _verdict(rows: pl.DataFrame, columns: tuple[str, ...], *, has_nul: bool) -> tuple[Status, str]:
    if missing := [name for name in _REQUIRED if name not in columns]:
        return "unreadable", f"the header lacks the columns {', '.join(missing)}"
    if repeated := _repeated(columns):
        return "unreadable", f"the header names more than once: {', '.join(repeated)}"
    if not rows.height:
        return "empty", "the file has a header and no data line"
    if rows.get_column("q_malformed_row").all():
        return "unreadable", f"no line has the {len(columns)} fields of a row"
    if has_nul and (rows.get_column("q_malformed_row") | rows.get_column("q_parse_error")).all():
        return "unreadable", "it is no text, or UTF-16 without its byte-order mark"
    return "ok", ""
