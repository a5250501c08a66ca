"""The rows of a raw file as a reader hands them on, whichever reader it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

Status = Literal["ok", "empty", "unreadable", "many_tickers"]

PRICE_COLUMNS = ("open", "high", "low", "close", "volume")

# Open interest is read as a float64, so whole numbers are exact up to here.
LARGEST_WHOLE = 2.0**53

# What a row's PER reads like where its time says that it is no daily bar and no column tells.
INTRADAY = "intraday"

# What reading alone can find wrong; the other flags need values.
READ_FLAGS = ("q_malformed_row", "q_missing_field", "q_parse_error")

_DTYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "source_line_no": pl.Int64,
    "ticker": pl.String,
    "per": pl.String,
    "trade_dt": pl.Datetime("us"),
    **dict.fromkeys(PRICE_COLUMNS, pl.Float64),
    "openint": pl.Int64,
    **dict.fromkeys(READ_FLAGS, pl.Boolean),
}
ROW_SCHEMA = pl.Schema(_DTYPES)


def no_rows() -> pl.DataFrame:
    """Rows of a file that has none."""
    return pl.DataFrame(schema=ROW_SCHEMA)


@dataclass(frozen=True)
class RawRows:
    """Data lines of one raw file.

    `rows` has one row a non-blank data line, in file order, with the columns of `ROW_SCHEMA`; a
    value that is missing or cannot be parsed is null and its flag is set. `ticker` and `per` are
    null where the file does not carry them; `per` is `INTRADAY` where the time of a row tells it.
    `lines` has the text of each row, or is the content of a file with LF or CRLF as line ends.
    """

    rows: pl.DataFrame
    lines: pl.Series | bytes
    status: Status
    message: str
    header_present: bool
    delimiter: str
    reader: Literal["fast", "tolerant"]

    def raw_lines(self, numbers: list[int]) -> list[str]:
        """Text of the data lines with these 1-based numbers, without line ends."""
        if isinstance(self.lines, bytes):
            lines = self.lines.decode("utf-8", errors="replace").split("\n")
            return [lines[number - 1].removesuffix("\r") for number in numbers]
        places = self.rows.get_column("source_line_no").to_numpy().searchsorted(numbers)
        return self.lines.gather(places).to_list()
