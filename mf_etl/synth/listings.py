"""Which tickers an archive lists, on which exchange, in which folder, and with which anomaly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mf_etl.synth.anomalies import ANOMALIES
from mf_etl.tickers import RESERVED_NAMES

# Names that a careless reader takes for nulls, truth values, infinity or devices; and single letters.
ODD_NAMES = (
    "NA", "TRUE", "PRN", "NAN", "INF", "NO", "ON", "CON", "F", "T", "X", "YES", "NULL", "E",
)  # fmt: skip
SUFFIXES = ("-WS", "-U", "-A", "-B", "_A", "_B", "_C", "_D", "_")
SUFFIX_SHARE = 0.08
NASDAQ_SHARE = 0.6
FOLDERS = {"NASDAQ": "nasdaq stocks", "NYSE": "nyse stocks"}
UNKNOWN_FOLDER = "otc stocks"
SUB_FOLDERS = {"nasdaq stocks": ("1", "2", "3"), "nyse stocks": ("1", "2")}
LAYOUT = "data/daily/us"
# One ticker in twenty has an anomaly, each kind in turn; one in five has an odd name while they last.
ANOMALY_EVERY, ODD_EVERY = 20, 5

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LENGTHS = (2, *[3] * 7, *[4] * 10, 5, 5)


@dataclass(frozen=True, slots=True)
class Listing:
    """One ticker of an archive; `source_file` is relative to the archive's folder."""

    index: int
    ticker: str
    exchange: str
    source_file: str
    anomaly: str | None


def listings(count: int, seed: int, *, anomalies: bool) -> list[Listing]:
    """The first `count` tickers of an archive; the same for every larger count."""
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    kinds = tuple(ANOMALIES)
    listed = []
    for index, name in zip(range(count), _names(random), strict=False):
        exchange = "NASDAQ" if random.random() < NASDAQ_SHARE else "NYSE"
        anomalous = anomalies and index % ANOMALY_EVERY == ANOMALY_EVERY - 1
        anomaly = kinds[index // ANOMALY_EVERY % len(kinds)] if anomalous else None
        if anomaly == "unknown_folder":
            path = f"{LAYOUT}/{UNKNOWN_FOLDER}/{file_name(name)}"
        else:
            folder = FOLDERS[exchange]
            path = f"{LAYOUT}/{folder}/{_sub_folder(folder, name)}/{file_name(name)}"
        listed.append(Listing(index, f"{name}.US", exchange, path, anomaly))
    return listed


def file_name(name: str) -> str:
    """File of a ticker; a device name has a ``_`` before it, so that Windows can hold the file."""
    return f"{'_' if name in RESERVED_NAMES else ''}{name.lower()}.us.txt"


def in_other_sub_folder(source_file: str, step: int = 1) -> str:
    """The path with the sub-folder that comes `step` after its own, in a circle."""
    *above, folder, sub_folder, name = source_file.split("/")
    choices = SUB_FOLDERS[folder]
    other = choices[(choices.index(sub_folder) + step) % len(choices)]
    return "/".join([*above, folder, other, name])


def without_sub_folder(source_file: str) -> str:
    """The path without its sub-folder; as it is if it has none."""
    parts = source_file.split("/")
    if len(parts) > 2 and parts[-2] in SUB_FOLDERS.get(parts[-3], ()):
        del parts[-2]
    return "/".join(parts)


def _sub_folder(folder: str, name: str) -> str:
    """Sub-folders divide the alphabet, as they do in the archives."""
    choices = SUB_FOLDERS[folder]
    return choices[_LETTERS.index(name[0]) * len(choices) // len(_LETTERS)]


def _names(random: np.random.Generator) -> Iterator[str]:
    """Names without end, none twice."""
    taken = set(ODD_NAMES) | RESERVED_NAMES
    odd = iter(ODD_NAMES)
    index = 0
    while True:
        if index % ODD_EVERY == 1 and (name := next(odd, None)):
            yield name
            index += 1
            continue
        length = _LENGTHS[random.integers(len(_LENGTHS))]
        name = "".join(_LETTERS[letter] for letter in random.integers(26, size=length))
        if random.random() < SUFFIX_SHARE:
            name += SUFFIXES[random.integers(len(SUFFIXES))]
        if name not in taken:
            taken.add(name)
            yield name
            index += 1
