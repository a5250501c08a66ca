"""What a reader takes at most: no raw file may exhaust the memory of the machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LINE_BYTES = 65_536
_LINE_FEED = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes; what is beyond them is rejected and not read."""

    file_bytes: int = 512 * 2**20
    line_bytes: int = LINE_BYTES


def has_long_line(content: bytes, line_bytes: int) -> bool:
    """Whether a line of `content` has more than `line_bytes` bytes."""
    if len(content) <= line_bytes:
        return False
    ends = np.flatnonzero(np.frombuffer(content, np.uint8) == _LINE_FEED)
    starts = np.concatenate(([-1], ends))
    return bool((np.append(ends, len(content)) - starts - 1 > line_bytes).any())


def with_cut_lines(content: bytes, line_bytes: int) -> bytes:
    """`content` with each longer line cut, and a mark of how much that was.

    A cut line stays longer than `line_bytes`, by its mark, so that it can be told.
    """
    if not has_long_line(content, line_bytes):
        return content
    return b"\n".join(_cut(line, line_bytes) for line in content.split(b"\n"))


def _cut(line: bytes, line_bytes: int) -> bytes:
    if len(line) <= line_bytes:
        return line
    return line[:line_bytes] + b" ... (cut: %d bytes more)" % (len(line) - line_bytes)
