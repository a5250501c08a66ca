"""Runs docs/walkthrough.md in a fresh copy of the project, and puts what it prints below each block.

The notebook, docs/first-look.ipynb, is run there too and stored with what it shows.

``python -m tests.documents.walkthrough``, or ``make walkthrough``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.conftest import ROOT

DOCUMENT = ROOT / "docs" / "walkthrough.md"
NOTEBOOK = ROOT / "docs" / "first-look.ipynb"
_SHOWN = re.compile(
    r"^```(sh|python)\n((?:(?!```).*\n)+)```\n\n```text\n((?:(?!```).*\n)*)```$", re.MULTILINE
)


def refreshed(text: str, folder: Path) -> str:
    """The document with what each block prints in the project in `folder`.

    Raises `CalledProcessError` if a block fails.
    """

    def shown(found: re.Match[str]) -> str:
        language, code, _ = found.groups()
        text = re.sub(r"[ \t]+$", "", printed(language, code, folder), flags=re.MULTILINE)
        return f"```{language}\n{code}```\n\n```text\n{text.strip(chr(10))}\n```"

    return _SHOWN.sub(shown, text)


def executed(folder: Path) -> nbformat.NotebookNode:
    """The notebook with what it shows of the project that `folder` is in."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    for cell in notebook.cells:
        cell.metadata = {}  # when it ran
    return notebook


def without_times(text: str) -> str:
    """The document without what differs from run to run: how long something took."""
    return re.sub(r"\d+(:\d\d)+|\d+(\.\d+)? (s|seconds|minutes)\b", "?", text)


def copy_of_the_project(folder: Path) -> None:
    """The files of the project that are under version control, or will be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def printed(language: str, code: str, folder: Path) -> str:
    """What a block prints; `CalledProcessError` if it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MF_ETL_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "COLUMNS": "110",
    }
    done = subprocess.run(
        [sys.executable, "-"] if language == "python" else ["bash", "-euo", "pipefail"],
        input=code,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=1200,
    )
    return done.stdout.replace(f"{folder}/", "")


def main() -> None:
    """Write the document anew."""
    with tempfile.TemporaryDirectory() as folder:
        copy_of_the_project(Path(folder))
        printed("sh", "snakemake --cores all", Path(folder))  # as `make run` does
        text = refreshed(DOCUMENT.read_text(encoding="utf-8"), Path(folder))
        os.environ["PYTHONPATH"] = folder
        nbformat.write(executed(Path(folder)), NOTEBOOK)
    DOCUMENT.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
