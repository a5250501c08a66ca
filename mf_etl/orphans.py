"""Files of tickers that are no longer built: moved to another exchange, or gone from the archive."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

from mf_etl.catalog import Catalog


def orphans(data: Catalog, built: Set[tuple[str, str]]) -> list[Path]:
    """The per-ticker files below the data root whose (exchange, ticker) is not `built`, in order.

    A file that is of no declared pattern is not ours, and not listed.
    """
    found = []
    for dataset in data.per_ticker():
        root = Path(dataset.partition("/exchange=")[0])
        for path in _files(root):
            wildcards = dataset.wildcards(path)
            if wildcards and (wildcards["exchange"], wildcards["ticker"]) not in built:
                found.append(Path(path))
    return sorted(found)


def delete(paths: Iterable[Path]) -> None:
    """Delete files, and the folders that this leaves empty."""
    for path in paths:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            for folder in path.parents[:3]:
                folder.rmdir()


def _files(root: Path) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for name in names:
            yield Path(folder, name).as_posix()
