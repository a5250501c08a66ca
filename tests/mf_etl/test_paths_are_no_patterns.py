"""A path is a file and no pattern: a folder named `[1]` would be read as one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.conftest import ROOT

READERS = {f"{how}_{what}" for how in ("read", "scan") for what in ("parquet", "csv", "ipc")}


def calls_that_take_patterns(code: str) -> Iterator[int]:
    """Lines of calls of polars that read a path as a pattern."""
    for node in ast.walk(ast.parse(code)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in READERS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "pl"
            and "glob" not in {argument.arg for argument in node.keywords}
        ):
            yield node.lineno


def test_no_reader_of_the_library_takes_a_path_for_a_pattern():
    files = [*(ROOT / "mf_etl").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files
        for line in calls_that_take_patterns(path.read_text(encoding="utf-8"))
    ]
    assert files and not found
    assert [*calls_that_take_patterns("x = 1\npl.scan_csv(path)")] == [2]
