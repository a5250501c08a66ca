"""What is pending, in words: counts by layer and reason, with the first names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def pending_lines(
    todo: Mapping[str, Mapping[str, Sequence[str]]], names_told: int
) -> Iterator[str]:
    """Lines for a dry run; `todo` holds tickers by layer and reason."""
    if not todo:
        return
    yield "Tickers to build, by layer, and why:"
    for layer, reasons in todo.items():
        yield f"{layer:<18} {sum(map(len, reasons.values())):>7,}"
        for reason, tickers in reasons.items():
            yield f"    {counted(reason, len(tickers), tickers[:names_told])}"


def counted(reason: str, count: int, first: Sequence[str]) -> str:
    """A reason with its count and, where they are known, the first names of what it holds for."""
    names = ", ".join(first)
    more = ", …" if names and count > len(first) else ""
    return f"{reason} {count:,}" + (f": {names}{more}" if names else "")
