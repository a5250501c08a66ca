"""Which tickers a dataset takes; nothing here depends on the order of work.

The workflow's own process asks for it, so nothing here loads numpy.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.request import DatasetRequest


class Listing(NamedTuple):
    """One ticker on one exchange: what it is (`stock` or `etf`), and its files."""

    exchange: str
    ticker: str
    instrument: str
    base: Path
    """Silver base series."""
    features: Path = Path()
    """Gold features, which the market does without."""


def selected(files: Iterable[Listing], request: DatasetRequest) -> list[Listing]:
    """The files that `request` takes, ordered by ticker, then exchange.

    A ticker on two exchanges counts as one symbol. Sampling takes a ticker if a number made from
    the seed and its name is below `sample_frac`, so whether it is in does not depend on which
    others there are; `symbols_limit` comes last. Nothing is opened. Raises `ResearchError` for an
    unknown ticker or exchange, for a file that is listed twice, and if nothing is left.
    """
    files = sorted(files, key=lambda file: (file.ticker, file.exchange))
    _refuse_repeated(files)
    _refuse_unknown("ticker", request.tickers, {file.ticker for file in files})
    _refuse_unknown("exchange", request.exchanges, {file.exchange for file in files})
    chosen = [
        file
        for file in files
        if (request.tickers is None or file.ticker in request.tickers)
        and (request.exchanges is None or file.exchange in request.exchanges)
    ]
    if not chosen:
        raise ResearchError("no ticker is on the exchanges asked for; ask for others, or for all")
    if request.samples_tickers:
        symbols = len({file.ticker for file in chosen})
        chosen = [file for file in chosen if _unit(request.seed, file.ticker) < request.sample_frac]
        if not chosen:
            raise ResearchError(
                f"sample_frac {request.sample_frac:g} with seed {request.seed} takes none of "
                f"{symbols} tickers; raise it or change the seed"
            )
    kept = sorted({file.ticker for file in chosen})[: request.symbols_limit]
    return [file for file in chosen if file.ticker <= kept[-1]]


def _refuse_repeated(files: list[Listing]) -> None:
    for one, next_one in itertools.pairwise(files):
        if one[:2] == next_one[:2]:
            raise ResearchError(f"{one.ticker} on {one.exchange} is listed twice: {next_one.base}")


def _refuse_unknown(what: str, asked: tuple[str, ...] | None, known: set[str]) -> None:
    unknown = [name for name in asked or () if name not in known]
    if not unknown:
        return
    nearest = difflib.get_close_matches(unknown[0], sorted(known), n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else f"; {len(known)} are known"
    raise ResearchError(f"unknown {what}: {', '.join(unknown)}{hint}")


def seed_bytes(*parts: object) -> bytes:
    """Eight bytes made from `parts`."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()


def _unit(*parts: object) -> float:
    """A number in [0, 1) made from `parts`."""
    return (int.from_bytes(seed_bytes(*parts), "little") >> 11) * 2.0**-53
