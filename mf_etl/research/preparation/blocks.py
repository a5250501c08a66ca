"""Rows of a large matrix in fixed blocks: the shards of every sum, whatever the threads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np

from mf_etl.research.datasets.streaming import in_order
from mf_etl.research.library_threads import one_library_thread

BLOCK_ROWS = 65_536
"""Rows of every block but the last. Part of the result: float sums are added block by block."""

CHUNK_ROWS = 4096
"""Rows that are converted to float64 at a time, so that a thread's work stays in its cache."""

Result = TypeVar("Result")


class MatrixRows:
    """Some rows of a float32 matrix, such as those that a model is fitted on.

    Blocks are counted in chosen rows, so rows that are not chosen bear on nothing.
    """

    def __init__(self, matrix: np.ndarray, chosen: np.ndarray | None = None) -> None:
        """`matrix` has shape (rows, features) and may be a memory map; `chosen` is a bool a row."""
        self.matrix = matrix
        self.chosen = None if chosen is None or chosen.all() else chosen
        self.features = matrix.shape[1]
        self.rows = len(matrix) if self.chosen is None else int(np.count_nonzero(self.chosen))
        starts = self._positions(np.arange(0, self.rows, BLOCK_ROWS))
        self._bounds = np.append(starts, len(matrix))

    @property
    def blocks(self) -> range:
        """Numbers of the blocks."""
        return range(len(self._bounds) - 1)

    def block(self, number: int) -> np.ndarray:
        """The matrix rows of a block, float32, C order."""
        inside = slice(self._bounds[number], self._bounds[number + 1])
        rows = self.matrix[inside]
        return np.ascontiguousarray(rows if self.chosen is None else rows[self.chosen[inside]])

    def span(self, number: int) -> slice:
        """Where the rows of a block are among the chosen rows."""
        return slice(number * BLOCK_ROWS, min((number + 1) * BLOCK_ROWS, self.rows))

    def take_exactly(self, numbers: np.ndarray) -> np.ndarray:
        """Chosen rows by their ascending numbers among the chosen, of the matrix's dtype."""
        return np.asarray(self.matrix[self._positions(numbers)])

    def _positions(self, numbers: np.ndarray) -> np.ndarray:
        """Matrix rows of ascending numbers among the chosen."""
        if self.chosen is None:
            return numbers
        # Block by block: the positions of all chosen rows take 8 bytes a row.
        found, seen = [np.empty(0, dtype=np.int64)], 0
        for start in range(0, len(self.chosen), BLOCK_ROWS):
            here = np.flatnonzero(self.chosen[start : start + BLOCK_ROWS])
            first, last = np.searchsorted(numbers, (seen, seen + len(here)))
            found.append(start + here[numbers[first:last] - seen])
            seen += len(here)
        return np.concatenate(found)

    def take(self, numbers: np.ndarray) -> np.ndarray:
        """Chosen rows by their ascending numbers among the chosen, as float64."""
        return self.take_exactly(numbers).astype(np.float64)

    def sample(self, rows: int, seed: int) -> np.ndarray:
        """Ascending numbers of at most `rows` chosen rows, drawn without replacement."""
        if self.rows <= rows:
            return np.arange(self.rows)
        drawn = np.random.default_rng(seed).choice(self.rows, rows, replace=False, shuffle=False)
        return np.sort(drawn)

    def each(self, function: Callable[[int], Result], threads: int) -> Iterator[Result]:
        """`function` of each block number on up to `threads` threads, results in block order.

        Libraries work on one thread within a block: their sums differ with their own threads.
        """
        with one_library_thread():
            yield from in_order(function, self.blocks, threads)

    def chunks(self, number: int) -> Iterator[tuple[slice, np.ndarray]]:
        """A block in float64 pieces, each with its place among the rows of the block."""
        block = self.block(number)
        for start in range(0, len(block), CHUNK_ROWS):
            inside = slice(start, min(start + CHUNK_ROWS, len(block)))
            yield inside, block[inside].astype(np.float64)


def mean_and_variance(rows: MatrixRows, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population variance of each feature, in two passes."""
    mean = added(rows.each(partial(_sum, rows), threads)) / rows.rows
    squares = added(rows.each(partial(_squares, rows, mean), threads))
    return mean, squares / rows.rows


def added(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """Sum of arrays of one shape, of which there is at least one, in their order."""
    return functools.reduce(np.add, arrays)


def _sum(rows: MatrixRows, number: int) -> np.ndarray:
    return np.asarray(rows.block(number).sum(axis=0, dtype=np.float64))


def _squares(rows: MatrixRows, mean: np.ndarray, number: int) -> np.ndarray:
    return added(np.square(x - mean).sum(axis=0) for _, x in rows.chunks(number))
