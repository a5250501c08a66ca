"""The walk-through prints what it says it does; minutes of whole commands (`make test-commands`)."""

from __future__ import annotations

import os

import pytest

from tests.documents.walkthrough import (
    DOCUMENT,
    copy_of_the_project,
    printed,
    refreshed,
    without_times,
)


@pytest.mark.skipif(
    not os.environ.get("MF_ETL_TEST_COMMANDS"), reason="a suite of its own: make test-commands"
)
def test_the_outputs_are_those_of_today(tmp_path):
    copy_of_the_project(tmp_path)
    printed("sh", "snakemake --cores all", tmp_path)
    text = DOCUMENT.read_text(encoding="utf-8")
    again = refreshed(text, tmp_path)
    assert without_times(again) == without_times(text), "run `make walkthrough`"
