"""Pages from templates: the frame that all have, and how values are written in them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mf_etl.io import replacing
from mf_etl.report import marks, words

PLACES = (
    ("Market", "index.html"),
    ("Tickers", "tickers/index.html"),
    ("Runs", "runs/index.html"),
    ("Build", "build.html"),
)
"""What the head of every page leads to, from the root of the report."""

EXAMPLE = "AAPL.US"


@functools.cache
def environment() -> Environment:
    """Templates of the pages; what is written into them is escaped, and a missing value an error."""
    made = Environment(
        loader=PackageLoader("mf_etl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("count", "short", "number", "percent", "basis_points", "plainly", "day", "plural"):
        made.filters[name] = getattr(words, name)
    made.globals["marks"] = marks
    return made


def page(template: str, *, here: str, depth: int = 0, **values: Any) -> str:
    """A page as HTML; `here` is its place in the head, `depth` its folders below the report."""
    found = environment().get_template(template)
    frame = {"root": "../" * depth, "places": PLACES, "here": here, "example": EXAMPLE}
    return found.render(**frame, **values) + "\n"


def write(text: str, path: Path) -> None:
    """Write a page or a script whole."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
