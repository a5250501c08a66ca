"""A copy of the workflow with a small universe, and the real `snakemake` to run it with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE

PARTS = ("Snakefile", "rules", "report", "scripts", "mf_etl", "profiles", "envs")
TICKERS = ("nasdaq stocks/1/fb", "nasdaq stocks/3/zvalues", "nasdaq stocks/3/zempty")
LAYERS = ("bronze_ohlcv", "silver_base", "silver_indicators", "gold_events", "gold_features")


@dataclass
class Project:
    """A folder with the workflow, `raw` below it and whatever it has built."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    seconds: float = 300
    """How long a run may take."""

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    def snakemake(self, *arguments: str, succeeds: bool = True) -> str:
        """What `snakemake` prints, both streams; fails the test if its exit code surprises."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MF_ETL_")}
        environment |= {"MF_ETL_PATHS__RAW_ROOT": "raw", "PYTHONPATH": str(self.folder)}
        environment |= self.environment
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self.seconds,
            check=False,
        )
        assert (done.returncode == 0) == succeeds, done.stdout
        return done.stdout

    def planned(self, *arguments: str) -> dict[str, int]:
        """Jobs by per-ticker rule that a dry run would do."""
        text = self.snakemake("--dry-run", *arguments)
        if "Nothing to be done" in text:
            return {}
        counts = {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", text, re.MULTILINE)}
        assert counts, text
        return {rule: counts[rule] for rule in LAYERS if rule in counts}

    def file(self, dataset: str, ticker: str, exchange: str = "NASDAQ") -> str:
        """Target of a ticker, such as `gold/features_by_symbol`."""
        place = f"exchange={exchange}/prefix={ticker[0]}/ticker={ticker}"
        return f"data/{dataset}/{place}/part-000.parquet"

    def data(self) -> dict[str, bytes]:
        """Every data file by its relative path, but for the manifests: they hold time stamps."""
        root = self.folder / "data"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and not {".cache", "manifests"} & set(path.parts)
        }

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that must be there once in a file of the copy."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path}: {old}"
        file.write_text(text.replace(old, new), encoding="utf-8")


def new_project(folder: Path) -> Project:
    """A fresh copy of the workflow with the chosen sample tickers, nothing built."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    for ticker in TICKERS:
        source = SAMPLE / "data" / "daily" / "us" / f"{ticker}.us.txt"
        target = folder / "raw" / f"{ticker}.us.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    settings = folder / "config" / "config.yaml"
    settings.parent.mkdir()
    settings.write_text("# every setting has its default\n", encoding="utf-8")
    return Project(folder)


def copy_of(template: Path, folder: Path, *, links: bool = False) -> Project:
    """A project of its own with everything built; with `links`, one whose library is not edited."""
    shutil.copytree(template, folder, symlinks=links)
    return Project(folder)


LAYERS_AND_CHECKS = ("bronze", "features", "qa")
"""Targets of a build without datasets and models, which take longer than all else."""


@pytest.fixture(scope="module")
def built(template, tmp_path_factory) -> Project:
    """A project that has been built; tests that change it put it back."""
    return copy_of(template, tmp_path_factory.mktemp("workflow") / "built")


@pytest.fixture(scope="session", autouse=True)
def compiled(template) -> None:
    """Every project of these tests is copied from a library whose loops are compiled."""
