"""Files of tickers that are no longer built: moved to another exchange, or gone from the archive."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

from mf_etl.catalog import Catalog, Dataset


def orphans(data: Catalog, built: Set[tuple[str, str]], *others: Dataset) -> list[Path]:
    """The per-ticker files whose (exchange, ticker) is not `built`, in order.

    Those are the files of the layers, and of `others` that have one file a ticker. A file that is of no
    declared pattern is not ours, and not listed.
    """
    found = []
    for dataset in (*data.per_ticker(), *others):
        root = Path(dataset.partition("/exchange=")[0])
        for path in _files(root):
            wildcards = dataset.wildcards(path)
            if wildcards and (wildcards["exchange"], wildcards["ticker"]) not in built:
                found.append(Path(path))
    return sorted(found)


def tickers_beside(data: Catalog, built: Set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The (exchange, ticker) pairs with a folder below the data root that are not `built`, in order.

    As `orphans`, but only folders are listed, which takes a moment for a whole market.
    """
    found: set[tuple[str, str]] = set()
    for dataset in data.per_ticker():
        root, _, name = dataset.partition("/exchange=")
        for folder in Path(root).glob("exchange=*/prefix=*"):
            exchange = folder.parent.name.removeprefix("exchange=")
            for ticker in os.listdir(folder):
                if (exchange, ticker.removeprefix("ticker=")) in built:
                    continue
                path = f"{root}/{folder.parent.name}/{folder.name}/{ticker}/{Path(name).name}"
                if wildcards := dataset.wildcards(path):
                    found.add((wildcards["exchange"], wildcards["ticker"]))
    return sorted(found - built)


def told_beside(pairs: list[tuple[str, str]]) -> str:
    """One line on tickers whose files lie beside those of the universe; empty if there are none."""
    if not pairs:
        return ""
    some = ", ".join(ticker for _, ticker in pairs[:3]) + (", …" if len(pairs) > 3 else "")
    return (
        f"Beside them lie files of {len(pairs):,} tickers that are not of this universe ({some}); "
        "`snakemake --cores 1 prune` lists them, with `--config prune__delete=true` it deletes them"
    )


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
