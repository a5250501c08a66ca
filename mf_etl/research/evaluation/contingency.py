"""How two labellings of the same rows agree, from their table of counts.

Counts are integers, so a measure is the same however the table was added up.
"""

from __future__ import annotations

import numpy as np

CHUNK_ROWS = 2**20


def contingency(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rows by the labels of both, which are integers from −1: row and column 0 are of −1."""
    width = int(second.max(initial=-1)) + 2
    table = np.zeros((int(first.max(initial=-1)) + 2) * width, dtype=np.int64)
    for start in range(0, len(first), CHUNK_ROWS):
        inside = slice(start, start + CHUNK_ROWS)
        cell = (first[inside].astype(np.int64) + 1) * width + second[inside] + 1
        table += np.bincount(cell, minlength=len(table))
    return table.reshape(-1, width)


def labels_ari(first: np.ndarray, second: np.ndarray) -> float:
    """Adjusted Rand index of two labellings of the same rows."""
    return adjusted_rand_index(contingency(first, second))


def adjusted_rand_index(table: np.ndarray) -> float:
    """Hubert and Arabie (1985): 1 for the same grouping, 0 expected by chance."""
    counts = [[int(count) for count in row] for row in table]
    total = sum(map(sum, counts))
    together = sum(_pairs(count) for row in counts for count in row)
    in_first = sum(_pairs(sum(row)) for row in counts)
    in_second = sum(_pairs(sum(column)) for column in zip(*counts, strict=True))
    if _pairs(total) == 0 or in_first == in_second == together:
        return 1.0
    expected = in_first * in_second / _pairs(total)
    return (together - expected) / ((in_first + in_second) / 2 - expected)


def normalized_mutual_information(table: np.ndarray) -> float:
    """Mutual information over the mean of both entropies (arithmetic, as scikit-learn); 0 to 1."""
    share = table / table.sum()
    first, second = share.sum(axis=1), share.sum(axis=0)
    both = share[share > 0]
    mutual = _entropy(first) + _entropy(second) + float((both * np.log(both)).sum())
    mean = (_entropy(first) + _entropy(second)) / 2
    # Both labellings in one group each agree in full, as scikit-learn has it.
    return 1.0 if mean == 0 else min(max(mutual / mean, 0.0), 1.0)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _entropy(share: np.ndarray) -> float:
    positive = share[share > 0]
    return float(-(positive * np.log(positive)).sum())
