"""What is in the report besides data: names of assets, and a digest of templates, scripts and style.

Imports nothing heavy: every plan reads it.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parent
STATIC = ("style.css", "site.js", "charts.js", "ticker.js", "market.js")
"""Ours, as they stand."""

LIBRARY = "bokeh.min.js"
"""Out of the installed wheel."""

DOCUMENTS = "documents.js"
"""The charts without data."""

ALL_UP_TO = 50
"""Tickers that all get a chart file, where the settings do not say which."""

ASSETS = (LIBRARY, DOCUMENTS, *STATIC)


def content_of_pages() -> str:
    """Digest of what pages are made of besides code: templates, scripts and style, and Bokeh."""
    digest = hashlib.blake2b(version("bokeh").encode(), digest_size=8)
    for path in sorted((*FOLDER.glob("templates/*"), *FOLDER.glob("static/*"))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
