"""The workflow's own process starts quickly: what its rules import is light."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.conftest import ROOT

HEAVY = ("polars", "numpy", "pyarrow", "duckdb", "sklearn", "numba", "matplotlib")


def test_rules_import_no_heavy_library():
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "rules").glob("*.smk"))]
    modules = {m for text in texts for m in re.findall(r"^from (mf_etl\S*) import", text, re.M)}
    assert len(modules) > 10
    program = (
        f"import sys, {', '.join(sorted(modules))}\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
