"""Faults of the machine, injected for real.

The right ticker fails with a clear line, all else is built, and the next run repairs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.conftest import LAYERS_AND_CHECKS, Project, new_project

pytestmark = pytest.mark.xdist_group("workflow_faults")

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
FB = "nasdaq stocks/1/fb.us.txt"


def bound_by_permissions() -> None:
    """For a child process: permission bits count, also for root."""
    if os.geteuid() == 0:
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def run(project: Project, *arguments: str, code: int = 1) -> str:
    """A build in which permission bits count; it must end with `code`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MF_ETL_")}
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=project.folder,
        env=kept | {"MF_ETL_PATHS__RAW_ROOT": "raw", "PYTHONPATH": str(project.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=bound_by_permissions,
    )
    assert done.returncode == code, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def clean(template) -> dict[str, bytes]:
    """The bytes of an undisturbed build of `LAYERS_AND_CHECKS`."""
    apart = ("gold/market/", "gold/datasets/")
    data = Project(template).data()
    # That one is not asked for bronze by itself.
    built = data["summaries/built/gold_features.json"]
    data["summaries/built/bronze_ohlcv.json"] = built.replace(b"gold_features", b"bronze_ohlcv")
    return {path: content for path, content in data.items() if not path.startswith(apart)}


@pytest.fixture
def project(tmp_path) -> Project:
    return new_project(tmp_path / "project")


def assert_only_fb_is_missing(project: Project, clean: dict[str, bytes], *layers: str) -> None:
    """All other tickers are there whole, and no half file is left."""
    found = project.data()
    tickers = {path for path in clean if "ticker=" in path}
    missing = {path for path in tickers if path not in found}
    assert missing == {p for p in tickers if "ticker=FB.US" in p and p.split("/")[1] in layers}
    assert all(found[path] == clean[path] for path in tickers - missing)
    assert not [path for path in found if path.rsplit("/", 1)[-1].startswith(".")]


def assert_next_run_repairs(project: Project, clean: dict[str, bytes]) -> None:
    project.snakemake("--cores", "2", *LAYERS_AND_CHECKS)
    assert project.data() == clean


ALL_LAYERS = (
    "ohlcv_by_symbol", "rejects_by_symbol", "quality_by_symbol", "base_series_by_symbol",
    "indicators_by_symbol", "events_by_symbol", "features_by_symbol",
)  # fmt: skip


@pytest.mark.faults
def test_a_raw_file_without_permission(project, clean):
    raw = project.raw / FB
    raw.chmod(0o000)
    console = run(project, *LAYERS_AND_CHECKS)
    assert f"bronze_ohlcv FB.US: raw file raw/{FB} cannot be read: Permission denied" in console
    assert_only_fb_is_missing(project, clean, *ALL_LAYERS)
    raw.chmod(0o644)
    assert_next_run_repairs(project, clean)


@pytest.mark.faults
def test_a_data_folder_that_cannot_be_written(project, clean):
    folder = (project.folder / project.file("silver/base_series_by_symbol", "FB.US")).parent
    folder.mkdir(parents=True)
    folder.chmod(0o555)
    console = run(project, *LAYERS_AND_CHECKS)
    assert "silver_base FB.US: " in console and "Permission denied" in console
    assert_only_fb_is_missing(project, clean, *ALL_LAYERS[3:])
    if folder.exists():  # Snakemake may have removed it, as it was empty
        folder.chmod(0o755)
    assert_next_run_repairs(project, clean)


@contextlib.contextmanager
def full_disk(folder: Path, size: int = 4096) -> Iterator[None]:
    """A file system of so many bytes at `folder`."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.faults
def test_a_full_disk(project, clean):
    path = project.folder / project.file("gold/features_by_symbol", "FB.US")
    with full_disk(path.parents[1]):
        console = run(project, *LAYERS_AND_CHECKS)
        assert "gold_features FB.US: " in console and "No space left" in console
        assert_only_fb_is_missing(project, clean, "features_by_symbol")
    assert_next_run_repairs(project, clean)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("raw.unlink()", "cannot be read: No such file or directory"),
        pytest.param(
            'raw.write_text("changed")',
            "changed while the build ran; run it again",
            marks=pytest.mark.faults,
        ),
    ],
)
@pytest.mark.faults
def test_a_raw_file_that_goes_or_changes_while_the_build_runs(project, clean, fault, message):
    raw = project.raw / FB
    content = raw.read_bytes()
    script = project.folder / "scripts" / "bronze_ohlcv.py"
    text = script.read_text()
    reading = "    content = read_content(raw, limits)\n"
    assert reading in text
    script.write_text(
        text.replace(reading, f'    if "fb.us" in raw.name:\n        {fault}\n{reading}')
    )
    console = run(project, *LAYERS_AND_CHECKS)
    assert f"bronze_ohlcv FB.US: raw file raw/{FB} {message}" in console
    built = {path for path in project.data() if "ticker=" in path}
    assert built == {path for path in clean if "ticker=" in path and "FB.US" not in path}
    raw.parent.mkdir(exist_ok=True)  # Snakemake removes the folders of missing input if empty
    raw.write_bytes(content)
    script.write_text(text)
    shutil.rmtree(project.folder / "results")
    assert_next_run_repairs(project, clean)
