"""What pages load: the script library out of the installed wheel, our scripts, and the style."""

from __future__ import annotations

from pathlib import Path

import bokeh

from mf_etl.report.charts import charts_script
from mf_etl.report.contents import DOCUMENTS, FOLDER, LIBRARY


def asset(name: str) -> str:
    """The text of an asset by its name."""
    if name == DOCUMENTS:
        return charts_script()
    folder = FOLDER / "static"
    if name == LIBRARY:
        folder = Path(bokeh.__file__).parent / "server" / "static" / "js"
    return (folder / name).read_text(encoding="utf-8")
