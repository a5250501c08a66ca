"""Which tickers a model is fitted on when all rows are too many."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from mf_etl.errors import ResearchError
from mf_etl.research.counted import counted
from mf_etl.research.preparation.prepared import Prepared


@dataclass(frozen=True)
class FitSample:
    """`chosen` is a bool a matrix row; `record` tells how it came to be."""

    chosen: np.ndarray
    record: dict[str, Any]


def fit_sample(prepared: Prepared, max_rows: int | None, seed: int) -> FitSample:
    """The fit rows of whole tickers, of at most `max_rows` rows together; None takes all.

    Tickers come in the order of a number made from the seed and their name, up to the first whose
    rows would be too many: whether one is in does not depend on how the tickers are ordered, and a
    long history is no hindrance. Raises `ResearchError` if there are no fit rows, or if the first
    ticker alone has too many.
    """
    fit = prepared.is_fit
    names, codes = prepared.ticker_codes
    rows_of = counted(codes[fit], len(names))
    known = int((rows_of > 0).sum())
    if not known:
        raise ResearchError(f"prepared matrix {prepared.folder}: no rows to fit on")
    rows = int(rows_of.sum())
    record: dict[str, Any] = {"max_fit_rows": max_rows, "seed": seed, "rows_to_choose_from": rows}
    if max_rows is None or rows <= max_rows:
        told = {"sampled": False, "rows": rows, "tickers": known, "ticker_names": None}
        return FitSample(fit, record | told)
    candidates = np.flatnonzero(rows_of)
    order = candidates[np.argsort([_number(seed, names[c]) for c in candidates], kind="stable")]
    taken = order[np.cumsum(rows_of[order]) <= max_rows]
    if not len(taken):
        raise ResearchError(
            f"max_fit_rows {max_rows:,} is less than the {rows_of[order[0]]:,} rows of "
            f"{names[order[0]]}, the first ticker drawn; raise it"
        )
    inside = np.zeros(len(names), dtype=bool)
    inside[taken] = True
    record |= {
        "sampled": True,
        "rows": int(rows_of[taken].sum()),
        "tickers": len(taken),
        "ticker_names": sorted(names[code] for code in taken),
    }
    return FitSample(fit & inside[codes], record)


def _number(seed: int, ticker: str) -> int:
    digest = hashlib.blake2b(f"{seed}\0{ticker}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "little")
