"""What a reader takes at most: no raw file may exhaust the memory of the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_BYTES = 65_536
_NOT_BLANK = re.compile(rb"[^ \t\r\x0b\x0c]")


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes; what is beyond them is rejected and not read."""

    file_bytes: int = 512 * 2**20
    line_bytes: int = LINE_BYTES


def has_long_line(content: bytes, line_bytes: int) -> bool:
    """Whether a line of `content` has more than `line_bytes` bytes."""
    return next(_long_lines(content, line_bytes), None) is not None


def with_cut_lines(content: bytes, line_bytes: int) -> bytes:
    """`content` with each longer line cut, and a mark of how much that was.

    A cut line stays longer than `line_bytes`, by its mark, so that it can be told. A line of blanks
    alone is left out: it is a blank line, however long.
    """
    pieces, done = [], 0
    for start, end in _long_lines(content, line_bytes):
        if _NOT_BLANK.search(content, start, end):
            kept = start + line_bytes
            pieces += [content[done:kept], b" ... (cut: %d bytes more)" % (end - kept)]
        else:
            pieces.append(content[done:start])
        done = end
    return b"".join([*pieces, content[done:]]) if pieces else content


def _long_lines(content: bytes, line_bytes: int) -> Iterator[tuple[int, int]]:
    """Start and end of each line longer than `line_bytes`."""
    start = 0
    while len(content) - start > line_bytes:
        # The last line end within reach: what is before it is a line, or several, short enough.
        last = content.rfind(b"\n", start, start + line_bytes + 1)
        if last < 0:
            last = content.find(b"\n", start)
            last = len(content) if last < 0 else last
            yield start, last
        start = last + 1
