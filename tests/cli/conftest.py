"""The real `mf-etl` executable on a small universe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.documents.reading import commands
from tests.workflow.conftest import Project, copy_of, new_project

EXECUTABLE = (str(Path(sys.executable).parent / "mf-etl"),)
MODULE = (sys.executable, "-m", "mf_etl.cli")
"""The two ways to start a command."""


@dataclass
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass
class Command:
    """`mf-etl` in a project's folder."""

    project: Project
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(
        self,
        *arguments: str,
        code: int = 0,
        cwd: Path | None = None,
        door: Sequence[str] = EXECUTABLE,
        **environment: str,
    ) -> Done:
        """Run the command, in the project's folder unless told where.

        Fails the test if its exit code is not `code`, or on a traceback.
        """
        done = subprocess.run(
            [*door, *arguments],
            cwd=cwd or self.project.folder,
            env=self.variables() | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def each(self, lines: Sequence[Sequence[str]]) -> list[Done]:
        """Run many commands from one start (`forks.py`), for those that only say what is wrong."""
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("forks.py")],
            cwd=self.project.folder,
            env=self.variables(),
            input=json.dumps([*map(list, lines)]),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [Done(*told) for told in json.loads(done.stdout)]

    def variables(self) -> dict[str, str]:
        """The environment of a command."""
        own = {k: v for k, v in os.environ.items() if not k.startswith("MF_ETL_")}
        own |= {"MF_ETL_PATHS__RAW_ROOT": "raw", "PYTHONPATH": str(self.project.folder)}
        return own | self.environment

    def path(self, *parts: str) -> Path:
        """A file of the project."""
        return self.project.folder.joinpath(*parts)


@pytest.fixture(scope="module")
def mf_etl(tmp_path_factory) -> Command:
    """The command in a fresh project, nothing built."""
    return Command(new_project(tmp_path_factory.mktemp("cli") / "project"))


@pytest.fixture(scope="module")
def built(template, tmp_path_factory) -> Command:
    """The command in a project of which everything has been built through `snakemake`."""
    return Command(copy_of(template, tmp_path_factory.mktemp("cli") / "built"))


def readme_examples() -> list[list[str]]:
    """The words of each `mf-etl` command in the README, without the command itself."""
    return [
        command.words[1:]
        for command in commands(ROOT / "README.md")
        if command.words[0] == "mf-etl"
    ]


@pytest.fixture(scope="session", autouse=True)
def compiled(template) -> None:
    """Every project of these tests is copied from a library whose loops are compiled."""
