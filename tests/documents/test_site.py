"""docs/ as a web site: built without a broken link, and of nothing that is fetched from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROGRAM = Path(sys.executable).with_name("zensical")


@pytest.fixture
def folder(tmp_path) -> Path:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    return tmp_path


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """The site of `folder`."""
    words = [str(PROGRAM), "build", "--clean", "--strict"]
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_site_is_built_without_a_broken_link(folder):
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = [*(folder / "build" / "site").glob("*.html")]
    assert {page.stem for page in pages} > {page.stem for page in (folder / "docs").glob("*.md")}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"""(src|stylesheet"[^>]*href)=["']?https?:""", text), page


def test_a_broken_link_is_an_error(folder):
    with (folder / "docs" / "index.md").open("a", encoding="utf-8") as page:
        page.write("\n[nowhere](nowhere.md)\n")
    assert build(folder).returncode != 0
