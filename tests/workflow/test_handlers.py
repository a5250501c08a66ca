"""Snakemake keeps the last `onstart`, `onsuccess` and `onerror` of a workflow and drops the others."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT

WORKFLOWS = [ROOT / "Snakefile", *(ROOT / "rules").glob("part*.smk")]


def handlers(file: Path) -> Counter[str]:
    """How often each handler is there in a workflow file and all that it includes."""
    text = file.read_text(encoding="utf-8")
    found = Counter(re.findall(r"^(onstart|onsuccess|onerror):", text, re.MULTILINE))
    for included in re.findall(r'^include: "(.+)"', text, re.MULTILINE):
        found += handlers(file.parent / included)
    return found


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_no_handler_is_dropped(file):
    found = handlers(file)
    assert found["onstart"] and [name for name, count in found.items() if count > 1] == []
