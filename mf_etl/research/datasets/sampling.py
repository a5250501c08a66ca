"""Which rows of a listing a dataset takes; nothing here depends on the order of work."""

from __future__ import annotations

import numpy as np

from mf_etl.research.datasets.request import DatasetRequest
from mf_etl.research.datasets.selection import Listing, seed_bytes


def row_sample(file: Listing, days: np.ndarray, request: DatasetRequest) -> np.ndarray:
    """Which rows of a listing a row sample takes (bool, one a row).

    `days` are trading days as whole days since 1970. Each row is taken with chance `sample_frac`
    by a number made from the seed, the listing and the day alone: neither other rows nor filters
    bear on it.
    """
    key = int.from_bytes(seed_bytes(request.seed, file.ticker, file.exchange), "little")
    return _splitmix(np.uint64(key), days) < request.sample_frac


@np.errstate(over="ignore")
def _splitmix(key: np.uint64, days: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1), one a day: output `days` of the SplitMix64 generator at state `key`.

    Steele, Lea and Flood, Fast splittable pseudorandom number generators (2014); any output can be
    had without those before it.
    """
    z = key + days.astype(np.int64).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
