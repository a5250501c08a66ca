"""Files of ours that are gone or damaged: told from their ends, and named with the way to mend them."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from mf_etl.catalog import Catalog, Dataset

_MISSING = "is missing"
_MARK = b"PAR1"
# The mark twice, and the length of a footer.
_SHORTEST_PARQUET = 12


class Damaged(NamedTuple):
    """A file that cannot be used, and why."""

    path: str
    reason: str

    @property
    def is_missing(self) -> bool:
        """Whether there is no file at all."""
        return self.reason == _MISSING

    @property
    def remedy(self) -> str:
        """The way to mend it."""
        return f"make it anew: snakemake --cores 1 --force {shlex.quote(self.path)}"

    def __str__(self) -> str:
        return f"{self.path} {self.reason}; {self.remedy}"


def damage(path: str) -> str:
    """What is wrong with a file as far as its ends tell; empty if nothing is.

    A Parquet file begins and ends with a mark, before which the length of its footer stands; a JSON
    file is one whole value. Of any other file it is only told whether it is there.
    """
    try:
        with open(path, "rb") as file:
            if path.endswith(".parquet"):
                return _parquet_damage(file)
            return _json_damage(file.read()) if path.endswith(".json") else ""
    except FileNotFoundError:
        return _MISSING
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def damage_within(path: str) -> str:
    """As `damage`, but the whole of a Parquet file is read."""
    if (told := damage(path)) or not path.endswith(".parquet"):
        return told
    import polars as pl

    try:
        pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        return f"is damaged ({' '.join(str(error).split())})"
    return ""


def damaged(paths: Iterable[str], *, within: bool = False) -> Iterator[Damaged]:
    """Those of the files that cannot be used; `within`: each is read as a whole."""
    look = damage_within if within else damage
    for path in paths:
        if reason := look(path):
            yield Damaged(path, reason)


def damaged_files(
    data: Catalog, pairs: Sequence[tuple[str, str]]
) -> Iterator[tuple[Dataset, Damaged]]:
    """The files of all layers of the (exchange, ticker) `pairs` that are gone or damaged.

    Opens each file and reads a few bytes of it: about a second for a whole market.
    """
    for dataset in data.per_ticker():
        paths = (dataset.path(exchange=exchange, ticker=ticker) for exchange, ticker in pairs)
        for file in damaged(paths):
            yield dataset, file


def _parquet_damage(file: BinaryIO) -> str:
    head, size = file.read(4), file.seek(0, os.SEEK_END)
    if size == 0:
        return "has 0 bytes"
    if head != _MARK:
        return "is no Parquet file"
    file.seek(max(0, size - 8))
    end = file.read(8)
    footer = int.from_bytes(end[:4], "little")
    if end[4:] != _MARK or footer + _SHORTEST_PARQUET > size:
        return "is cut short (no Parquet footer)"
    return ""


def _json_damage(text: bytes) -> str:
    if not text:
        return "has 0 bytes"
    try:
        json.loads(text)
    except ValueError:
        return "is cut short or no JSON"
    return ""
