"""Steps of the price for the quality report: unadjusted splits, lost digits, and what lies between.

A step is told by looking back; whether a later one takes it back looks ahead, so that stays here and
is no column anywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

# A split of 4:1 divides the price by 4, one of 1:4 multiplies it.
_FORWARD = [(n, 1) for n in range(2, 51)] + [(3, 2), (5, 2), (4, 3), (5, 4)]
_SPLITS = [*_FORWARD, *((old, new) for new, old in _FORWARD)]
_LOG_FACTORS = np.log([old / new for new, old in _SPLITS])
SPLIT_TOLERANCE = 0.02
# A later step takes one back if both together leave the price within this of where it was.
RETURN_TOLERANCE = 0.1
RETURN_BARS = 260
# Logarithms leave a product that is exactly on its bound this far beside it.
_ROUNDING = 1e-9


def price_steps(bars: pl.DataFrame) -> list[dict[str, Any]]:
    """Each bar with `q_price_step`: date, factor, nearest simple split, and the block it begins.

    The block is that of the bars up to the nearest later step of the segment, at most `RETURN_BARS`
    on, that takes the step back; None where there is none.
    """
    rows = np.flatnonzero(bars.get_column("q_price_step").to_numpy())
    if not len(rows):
        return []
    close, segment = (bars.get_column(name).to_numpy() for name in ("close", "segment_no"))
    days = bars.get_column("trade_date")
    lines = bars.get_column("source_line_no")
    logs = np.log(close[rows]) - np.log(close[rows - 1])
    with np.errstate(over="ignore"):
        factors = close[rows] / close[rows - 1]
    found = []
    for place, row in enumerate(rows.tolist()):
        end = _taken_back_at(place, rows, logs, segment)
        found.append(
            {
                "trade_date": days[row].isoformat(),
                # None beyond what a float64 holds: prices may be anything.
                "factor": float(factors[place]) if np.isfinite(factors[place]) else None,
                "split_ratio": _split_ratio(logs[place]),
                "source_line_no": lines[row],
                "block": None
                if end is None
                else {
                    "first_trade_date": days[row].isoformat(),
                    "last_trade_date": days[end - 1].isoformat(),
                    "rows": end - row,
                },
            }
        )
    return found


def _taken_back_at(
    place: int, rows: np.ndarray, logs: np.ndarray, segment: np.ndarray
) -> int | None:
    """Row of the nearest later step that takes a step back."""
    last = np.searchsorted(rows, rows[place] + RETURN_BARS, side="right")
    later = slice(place + 1, last)
    product = np.exp(np.minimum(logs[place] + logs[later], 1.0))
    returns = (np.abs(product - 1.0) <= RETURN_TOLERANCE + _ROUNDING) & (
        segment[rows[later]] == segment[rows[place]]
    )
    nearest = np.flatnonzero(returns)[:1]
    return int(rows[later][nearest[0]]) if len(nearest) else None


def _split_ratio(log_factor: float) -> str | None:
    """The simple split whose price factor is nearest, as new:old shares; None beyond 2 %."""
    distance = np.abs(_LOG_FACTORS - log_factor)
    nearest = int(distance.argmin())
    if abs(np.expm1(min(log_factor - _LOG_FACTORS[nearest], 1.0))) > SPLIT_TOLERANCE + _ROUNDING:
        return None
    new, old = _SPLITS[nearest]
    return f"{new}:{old}"
