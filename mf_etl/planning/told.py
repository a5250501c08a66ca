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
            names = ", ".join(tickers[:names_told])
            more = ", …" if names and len(tickers) > names_told else ""
            yield f"    {reason} {len(tickers):,}" + (f": {names}{more}" if names else "")
