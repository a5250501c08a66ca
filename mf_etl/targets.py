"""Targets that cannot be: what to say of them, and which ones come near."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable

from mf_etl.catalog import Catalog, Dataset

NEAR = 3


def unknown_target(
    target: str,
    *,
    named: Collection[str],
    data: Catalog,
    patterns: Iterable[Dataset],
    listed: Collection[tuple[str, str]],
) -> str:
    """One line about a `target` that no rule makes: what it is not, and the nearest there are.

    `named` are the targets with names, `patterns` all paths of the catalogue, `listed` the
    (exchange, ticker) pairs that can be built.
    """
    of_ticker = [pair for pair in sorted(listed) if pair[1] == target.upper()]
    if of_ticker:
        files = (data.gold_features.path(exchange=e, ticker=t) for e, t in of_ticker)
        return f"{target} is a ticker; its files are targets: {', '.join(files)}"
    candidates = [*named, *_with_wildcards_of(target, patterns)]
    near = difflib.get_close_matches(
        target, candidates, n=NEAR, cutoff=0.75 if "/" in target else 0.6
    )
    hint = f"; near matches: {', '.join(near)}" if near else "; docs/targets.md lists all"
    return f"{target} is no target{hint}"


def _with_wildcards_of(target: str, patterns: Iterable[Dataset]) -> set[str]:
    """Each pattern with the values that `target` has in the same places, where it has them all."""
    values = dict(re.findall(r"(?:^|/)(exchange|prefix|ticker)=([^/]*)", target))
    parts = target.split("/")
    filled = set()
    for pattern in patterns:
        at_place = {
            part[1:-1]: parts[place]
            for place, part in enumerate(pattern.split("/"))
            if part.startswith("{") and part.endswith("}") and place < len(parts)
        }
        try:
            filled.add(pattern.format(**at_place | values))
        except KeyError:
            continue
    return filled
