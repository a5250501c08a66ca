"""A stable split of the tickers into slots; a slot is what one parcel of a build brings up to date."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

TICKERS_A_SLOT = 125
"""More, and cores end apart; fewer, and what a parcel costs beside its tickers shows."""

Pair = tuple[str, str]
"""An exchange and a ticker."""


def number_of_slots(tickers: int) -> int:
    """The power of two nearest to `tickers` / `TICKERS_A_SLOT`, at least 1.

    Steps this wide, so that a universe may grow for years without being split anew.
    """
    return 1 << max(0, round(math.log2(max(tickers, 1) / TICKERS_A_SLOT)))


def slot_of(pair: Pair, number: int) -> str:
    """Name of the slot of a ticker, of so many: `64-003`. It depends on nothing else."""
    digest = hashlib.blake2b("/".join(pair).encode(), digest_size=8).digest()
    return f"{number}-{int.from_bytes(digest, 'big') % number:03d}"


def slots_of(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """The tickers of each slot that has any, both in order."""
    ordered = sorted(pairs)
    number = number_of_slots(len(ordered))
    found: dict[str, list[Pair]] = {}
    for pair in ordered:
        found.setdefault(slot_of(pair, number), []).append(pair)
    return dict(sorted(found.items()))
