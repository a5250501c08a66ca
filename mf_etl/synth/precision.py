"""How many digits the numbers of a file have, and the bytes of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from mf_etl.ingest.text import STANDARD_HEADER

# 10^0 … 10^22 are exact in binary floating point, so a division by one of them rounds once and the
# shortest text of the quotient is the decimal number that is meant.
Floats = TypeVar("Floats", np.float64, npt.NDArray[np.float64])
_TENS = np.array([float(f"1e{exponent}") for exponent in range(23)])
# Of smaller values, as many decimals are written as of the least: 22 of a volume, 14 of a price.
_LEAST_EXPONENT = -8
_MAGNITUDES = np.array([float(f"1e{exponent}") for exponent in range(_LEAST_EXPONENT, 16)])
ADJUSTED_PRICE_DIGITS, ADJUSTED_VOLUME_DIGITS = 6, 14


@dataclass(frozen=True, slots=True)
class Precision:
    """Digits of prices and volumes, as an archive adjusted for splits and dividends has them.

    Prices before row `adjusted_until` have six significant digits, later ones the decimals of
    `late_decimals` (count,). Volumes of the rows `fractional` (a slice) have fourteen significant
    digits, the others are whole.
    """

    adjusted_until: int
    late_decimals: np.ndarray
    fractional: slice

    def prices(
        self, opening: np.ndarray, high: np.ndarray, low: np.ndarray, close: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The prices rounded; a row has one number of decimals, so their order stays as it is."""
        # At least two digits remain of a low price, so that no bar rounds to zero.
        decimals = np.maximum(self.late_decimals, 1 - _exponent(low))
        adjusted = slice(0, self.adjusted_until)
        decimals[adjusted] = ADJUSTED_PRICE_DIGITS - 1 - _exponent(high[adjusted])
        return (
            _rounded(opening, decimals),
            _rounded(high, decimals),
            _rounded(low, decimals),
            _rounded(close, decimals),
        )

    def volume(self, volume: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The volumes rounded."""
        whole: npt.NDArray[np.float64] = np.rint(volume)
        part = volume[self.fractional]
        decimals = ADJUSTED_VOLUME_DIGITS - 1 - _exponent(part)
        whole[self.fractional] = _rounded(part, decimals)
        return whole


def random_precision(random: np.random.Generator, count: int) -> Precision:
    """How one of the files of an archive may write its `count` rows.

    Half of the files have whole volumes alone; four in ten have fractional ones from the first row
    to the last adjustment, one in ten only in a stretch that begins after row 100.
    """
    kind, adjusted_share = random.random(2)
    adjusted_until = int(count * adjusted_share) if kind >= 0.25 else 0
    start = {True: 0, False: 100 + int(random.integers(50))}[bool(kind < 0.9)]
    fractional = slice(0, 0) if kind < 0.5 else slice(start, max(adjusted_until, start + 50))
    late_decimals = np.where(random.random(count) < 0.2, 4, 2)
    return Precision(adjusted_until, late_decimals, fractional)


def recent_precision(count: int) -> Precision:
    """How `count` days that were never adjusted are written: two decimals, whole volumes."""
    return Precision(0, np.full(count, 2), slice(0, 0))


def exponential(values: Floats) -> Floats:
    """(1 + x/1024)^1024: e^x within 1 % for \\|x\\| < 4, the same bits on every machine."""
    power: Floats = 1.0 + values / 1024.0
    for _ in range(10):
        power = power * power
    return power


def standard_csv(ticker: str, columns: list[np.ndarray], *, header: bool = True) -> bytes:
    """Bytes of a Stooq file.

    `columns` are dates (datetime64[D]), open, high, low, close and volume (float64). Whole numbers
    have no decimal point, lines end in CRLF.
    """
    dates, *numbers = columns
    names = ("open", "high", "low", "close", "volume")
    frame = pl.DataFrame(
        {"date": compact_dates(dates), **dict(zip(names, numbers, strict=True))}
    ).select(
        pl.lit(f"{ticker},D"),
        "date",
        pl.lit("000000").alias("time"),
        *names,
        pl.lit("0").alias("openint"),
    )
    # Without scientific notation, a whole number is written without a decimal point.
    text = frame.write_csv(
        include_header=False, line_terminator="\r\n", quote_style="never", float_scientific=False
    )
    body = text.encode()
    return STANDARD_HEADER + b"\r\n" + body if header else body


def compact_dates(dates: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int64]:
    """Dates (datetime64[D]) as whole numbers YYYYMMDD."""
    months = dates.astype("M8[M]")
    years = dates.astype("M8[Y]")
    day = (dates - months.astype("M8[D]")).astype(np.int64) + 1
    month = (months - years.astype("M8[M]")).astype(np.int64) + 1
    year = years.astype(np.int64) + 1970
    compact: npt.NDArray[np.int64] = year * 10000 + month * 100 + day
    return compact


def _exponent(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Decimal exponent: -3 for 0.001 up to 0.00999…; for zero as for all below the least, -9."""
    return np.searchsorted(_MAGNITUDES, values, side="right") + _LEAST_EXPONENT - 1


def _rounded(
    values: npt.NDArray[np.float64], decimals: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    scale: npt.NDArray[np.float64] = _TENS[np.maximum(decimals, 0)]
    rounded: npt.NDArray[np.float64] = np.rint(values * scale) / scale
    return rounded
