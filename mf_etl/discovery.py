"""What lies below a raw root: every ``.txt`` entry, and what cannot be looked into, with why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

# A longer path is tried before it is taken for one that can be opened.
_SURELY_SHORT = 900


class Entry(NamedTuple):
    """A raw file, or what is left out: `trouble` says why, and is empty for a file.

    `path` is relative, with forward slashes, and always text: bytes that are not UTF-8 are written
    as ``\\xff``. A folder's ends with a slash.
    """

    path: str
    trouble: str


def entries_below(root: str) -> Iterator[Entry]:
    """Every ``.txt`` entry below the folder `root`, and every folder that is left out.

    Links to files are followed, links to folders are not. Nothing is opened. Raises `OSError` if
    `root` itself cannot be listed.
    """
    waiting = [("", root)]
    while waiting:
        above, folder = waiting.pop()
        try:
            with os.scandir(folder) as listed:
                found = list(listed)
        except OSError as error:
            if not above:
                raise
            yield Entry(above, f"a folder that cannot be listed: {error.strerror}")
            continue
        for entry in found:
            name = _text(entry.name)
            is_text = name == entry.name
            if entry.is_dir(follow_symlinks=False):
                if is_text:
                    waiting.append((f"{above}{name}/", entry.path))
                else:
                    yield Entry(f"{above}{name}/", "a name that is not UTF-8")
            elif _leads_to_a_folder(entry):
                yield Entry(f"{above}{name}/", "a link to a folder")
            elif name.lower().endswith(".txt"):
                yield Entry(
                    above + name, _trouble(entry) if is_text else "a name that is not UTF-8"
                )


def _text(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _leads_to_a_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # it leads to itself, or to where one may not look
        return False


def _trouble(entry: os.DirEntry[str]) -> str:
    """Why the entry is no file that can be read; empty if it is one."""
    try:
        if entry.is_file():
            if len(entry.path) > _SURELY_SHORT:
                os.stat(entry.path)
            return ""
        return "a broken link" if entry.is_symlink() else "neither a file nor a folder"
    except OSError as error:
        return "a broken link" if entry.is_symlink() else f"cannot be read: {error.strerror}"
