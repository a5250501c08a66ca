"""As a module of another workflow: the same files, below whatever prefix it chooses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE
from tests.workflow.conftest import new_project

FEATURES = "data/gold/features_by_symbol/exchange=NASDAQ/prefix=F/ticker=FB.US/part-000.parquet"
MASTER = "data/bronze/symbol_master/symbol_master.csv"
TICKERS = ("nasdaq stocks/1/fb.us.txt", "nasdaq stocks/3/zempty.us.txt")

OUTER = """
module mf_etl:
    snakefile: "{root}/Snakefile"
    config: {{"paths": {{"raw_root": "archive"}}, "precision": {{"eps": 1e-12}}}}
    {prefix}

use rule * from mf_etl{names}

rule mine:
    default_target: True
    input:
        features="{place}{features}",
        master="{place}{master}",
    output:
        "mine.txt"
    shell:
        "wc -c {{input}} > {{output}}"
"""


def outer_workflow(folder: Path, prefix: str = "", names: str = "") -> Path:
    """Another workflow with settings of its own, beside an archive of two tickers."""
    for ticker in TICKERS:
        raw = folder / "archive" / ticker
        raw.parent.mkdir(parents=True)
        raw.write_bytes((SAMPLE / "data" / "daily" / "us" / ticker).read_bytes())
    (folder / "config").mkdir()
    (folder / "config" / "config.yaml").write_text("samples: [a, b]\n", encoding="utf-8")
    text = OUTER.format(
        root=ROOT,
        prefix=f'prefix: "{prefix}"' if prefix else "",
        names=names,
        place=f"{prefix}/" if prefix else "",
        features=FEATURES,
        master=MASTER,
    )
    (folder / "Snakefile").write_text(text, encoding="utf-8")
    return folder


def snakemake(folder: Path, *arguments: str) -> str:
    """What the outer workflow prints."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.xdist_group("workflow_module")
@pytest.mark.parametrize(
    ("prefix", "names", "executor"),
    [
        ("", "", ("--executor", "warm", "--scheduler", "depth-first")),
        ("stocks", " as mf_etl_*", ()),
    ],
)
@pytest.mark.breadth
def test_another_workflow_builds_our_files(tmp_path, built, prefix, names, executor):
    """Its own settings are no settings of ours, and scripts are found from where it stands."""
    folder = outer_workflow(tmp_path / "outer", prefix, names)
    triggers = ("--rerun-triggers", "mtime", "params", "input", "--")
    snakemake(folder, *executor, *triggers)
    place = folder / prefix
    assert (place / FEATURES).read_bytes() == (built.folder / FEATURES).read_bytes()
    assert "ZEMPTY.US" in (place / MASTER).read_text(encoding="utf-8")
    if prefix:
        assert not (folder / "data").exists() and not (place / prefix).exists()
    assert "Nothing to be done" in snakemake(folder, *triggers)


def test_prefixes_may_be_replaced(tmp_path):
    folder = outer_workflow(tmp_path / "outer")
    snakefile = folder / "Snakefile"
    text = snakefile.read_text(encoding="utf-8")
    text = text.replace("    config:", '    replace_prefix: {"data/": "layers/"}\n    config:', 1)
    snakefile.write_text(text.replace('="data/', '="layers/'), encoding="utf-8")
    planned = snakemake(folder, "--dry-run", "--quiet", "progress")
    assert "layers/gold/features_by_symbol" in planned and "data/gold" not in planned


WITHOUT_ENGINE = """
import sys
sys.path[:] = [path for path in sys.path if "/engine/" not in path or not path.endswith("/src")]
from snakemake.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    "start",
    [
        (sys.executable, "-c", WITHOUT_ENGINE),
        (sys.executable, "-m", "snakemake", "--workflow-profile", "none"),
    ],
)
@pytest.mark.breadth
def test_stock_snakemake_builds_as_the_readme_says(tmp_path, built, start):
    """On a machine without the engine, or with its profile left out: by a flat plan or in parcels."""
    project = new_project(tmp_path / "project")
    environment = os.environ | {
        "MF_ETL_PATHS__RAW_ROOT": "raw",
        "MF_ETL_UNIVERSE__TICKERS": '["FB.US"]',
    }
    triggers = ("--rerun-triggers", "mtime", "params", "input", "--")
    for expected in ("silver_base", "Nothing to be done"):
        done = subprocess.run(
            [*start, "--cores", "2", *triggers, "silver"],
            cwd=project.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0 and expected in done.stdout, done.stdout
    file = project.file("silver/base_series_by_symbol", "FB.US")
    assert (project.folder / file).read_bytes() == (built.folder / file).read_bytes()
