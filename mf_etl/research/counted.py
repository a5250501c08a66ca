"""Counts of whole numbers without a copy of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(nogil=True, cache=True)
def counted(codes: NDArray[Any], width: int) -> NDArray[np.int64]:  # pragma: no cover - compiled
    """How many rows have each code from 0 to `width` − 1; a negative code is none. Shape (width,).

    `np.bincount` first makes a copy of 8 bytes a row, of which a market has many.
    """
    counts = np.zeros(width, dtype=np.int64)
    for code in codes:
        if code >= 0:
            counts[code] += 1
    return counts
