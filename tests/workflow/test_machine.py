"""Clocks, failures and kills: nothing that was built is lost, with either executor."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.workflow.conftest import LAYERS, Project, new_project
from tests.workflow.kills import kill_tree
from tests.workflow.test_faults import full_disk, run

pytestmark = pytest.mark.xdist_group("workflow_machine")

FB = "nasdaq stocks/1/fb.us.txt"
EXECUTORS = {"warm": (), "stock": ("--executor", "local", "--scheduler", "greedy")}
FUTURE = time.time() + 1e8


@pytest.fixture(scope="module")
def built_once(tmp_path_factory) -> Project:
    """A project of one ticker with its layers built."""
    project = new_project(tmp_path_factory.mktemp("machine") / "built")
    for path in project.raw.rglob("*/z*.txt"):
        path.unlink()
    project.snakemake("--cores", "2", "features")
    return project


@pytest.fixture
def project(built_once, tmp_path) -> Project:
    """A copy of it."""
    shutil.copytree(built_once.folder, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture(params=EXECUTORS)
def executor(request) -> tuple[str, ...]:
    return EXECUTORS[request.param]


def tables(project: Project) -> dict[str, bytes]:
    """Every file of a ticker, by its path below `data`."""
    return {path: content for path, content in project.data().items() if "ticker=" in path}


def stamps(project: Project) -> dict[str, tuple[int, int]]:
    """Size and time stamp of each file of FB, hidden ones too."""
    root = project.folder / "data"
    files = [path for path in root.rglob("*") if path.is_file() and "ticker=FB.US" in str(path)]
    return {
        str(path.relative_to(root)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in files
    }


def change_raw(project: Project) -> None:
    raw = project.raw / FB
    raw.write_bytes(raw.read_bytes().replace(b"38.2318", b"38.2319", 1))


def break_step(project: Project, step: str, fault: str, of: str = "FB.US") -> None:
    """Let the script of a step run into `fault` for a ticker, after its first output."""
    script = project.folder / "scripts" / f"{step}.py"
    lines = script.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if ".write(" in line)
    lines.insert(first + 1, f'    if "{of}" in str({step}):\n        {fault}')
    script.write_text("\n".join(lines) + "\n")


def mend_step(project: Project, built_once: Project, step: str) -> None:
    shutil.copy(built_once.folder / "scripts" / f"{step}.py", project.folder / "scripts")


def test_raw_files_out_of_the_future(built_once, project, executor):
    for folder in ("data", ".snakemake"):
        shutil.rmtree(project.folder / folder)
    os.utime(project.raw / FB, (FUTURE, FUTURE))
    project.snakemake("--cores", "2", *executor, "features")
    assert tables(project) == tables(built_once)
    change_raw(project)
    os.utime(project.raw / FB, (FUTURE + 1, FUTURE + 1))
    project.snakemake("--cores", "2", *executor, "features")
    assert "Nothing to be done" in project.snakemake("--cores", "2", *executor, "features")
    found, before = project.data(), built_once.data()
    assert found.keys() == before.keys()
    bars = project.file("bronze/ohlcv_by_symbol", "FB.US").removeprefix("data/")
    assert found[bars] != before[bars]


def test_own_files_out_of_the_future(built_once, project, executor):
    """The clock was set back after a build; then a setting asks for one layer anew."""
    for path in (project.folder / "data").rglob("*"):
        if path.is_file():
            later = path.stat().st_mtime_ns + 10**17
            os.utime(path, ns=(later, later))
    other = ("--config", "event_grammar__hold_consecutive_bars=6")
    printed = project.snakemake("--cores", "2", *executor, "features", *other)
    assert "time stamp in the future" in printed
    assert project.data().keys() == built_once.data().keys()
    assert project.planned("features", *other) == {}


def test_a_raw_file_overwritten_with_its_size_and_time_kept(project):
    raw = project.raw / FB
    before = raw.stat()
    change_raw(project)
    os.utime(raw, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert raw.stat().st_size == before.st_size
    assert project.planned("features") == dict.fromkeys(LAYERS, 1)


def test_a_wrong_memory_of_a_fingerprint_mends_itself(built_once, project):
    time.sleep(2.1)  # files of the last two seconds are not remembered
    project.snakemake("--cores", "1", "--dry-run", "features")
    cache = project.folder / "data" / ".cache" / "fingerprints.json"
    text = cache.read_text()
    report = project.file("bronze/quality_by_symbol", "FB.US").replace(
        "part-000.parquet", "quality.json"
    )
    right = json.loads((project.folder / report).read_text())["fingerprint"]
    assert right in text
    cache.write_text(text.replace(right, "0" * 32))
    printed = project.snakemake("--cores", "2", "features", succeeds=False)
    assert f"raw file raw/{FB} changed while the build ran; run it again" in printed
    assert tables(project) == tables(built_once)
    project.snakemake("--cores", "2", "features")
    assert tables(project) == tables(built_once) and right in cache.read_text()


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("bronze_ohlcv", 'raise OSError("broken")'),
        ("silver_base", "import os; os.kill(os.getpid(), 9)"),
    ],
)
def test_a_failed_job_leaves_what_was_there(built_once, project, executor, step, fault):
    before = stamps(project)
    break_step(project, step, fault)
    printed = project.snakemake("--cores", "2", *executor, "features", succeeds=False)
    assert "Kept the former files of 1 failed jobs; the next run makes them anew" in printed
    assert stamps(project) == before
    mend_step(project, built_once, step)
    assert project.planned("features") == dict.fromkeys(LAYERS[LAYERS.index(step) :], 1)
    project.snakemake("--cores", "2", *executor, "features")
    assert tables(project) == tables(built_once)
    assert project.planned("features") == {}


def test_a_failed_step_over_the_universe_leaves_what_was_there(project):
    master = "data/bronze/symbol_master/symbol_master.parquet"
    project.snakemake("--cores", "2", master)
    before = (project.folder / master).read_bytes()
    break_step(project, "symbol_master", 'raise OSError("broken")', of="")
    printed = project.snakemake("--cores", "2", master, succeeds=False)
    assert "OSError: broken" in printed
    assert (project.folder / master).read_bytes() == before


@contextlib.contextmanager
def under_way(project: Project, *options: str) -> Iterator[subprocess.Popen]:
    """A build whose job of FB has begun and does not end."""
    break_step(project, "gold_events", 'open("begun", "w").close(); import time; time.sleep(600)')
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", *options, "features"],
        cwd=project.folder,
        env=os.environ | {"MF_ETL_PATHS__RAW_ROOT": "raw", "PYTHONPATH": str(project.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        for _ in range(1200):
            if (project.folder / "begun").exists():
                break
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.1)
        yield process
    finally:
        kill_tree(process)


def test_a_killed_build_leaves_what_was_there(built_once, project, executor):
    before = stamps(project)
    with under_way(project, *executor) as process:
        kill_tree(process)
    assert set(before) <= set(stamps(project))
    project.snakemake("--unlock")
    mend_step(project, built_once, "gold_events")
    project.snakemake("--cores", "2", *executor, "features")
    assert tables(project) == tables(built_once)


def test_an_interrupted_build_leaves_what_was_there(built_once, project, executor):
    before = stamps(project)
    with under_way(project, *executor) as process:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
    assert stamps(project).keys() == before.keys()
    mend_step(project, built_once, "gold_events")
    project.snakemake("--cores", "2", *executor, "features")
    assert tables(project) == tables(built_once)


def test_no_permission_leaves_what_was_there(built_once, project, executor):
    change_raw(project)
    (project.raw / FB).chmod(0o000)
    before = stamps(project)
    run(project, *executor, "features")
    assert stamps(project) == before
    (project.raw / FB).chmod(0o644)
    folder = (project.folder / project.file("silver/base_series_by_symbol", "FB.US")).parent
    folder.chmod(0o555)
    run(project, *executor, "features")
    assert stamps(project).keys() == before.keys()
    folder.chmod(0o755)
    project.snakemake("--cores", "2", *executor, "features")
    assert stamps(project) != before


def test_a_full_disk_leaves_what_was_there(built_once, project, executor):
    place = (project.folder / project.file("gold/features_by_symbol", "FB.US")).parents[1]
    former = place.with_name("former")
    place.rename(former)
    content = (former / "ticker=FB.US" / "part-000.parquet").read_bytes()
    with full_disk(place, len(content) + 8192):
        for path in former.iterdir():
            shutil.copytree(path, place / path.name)
        filler = place / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        other = ("--config", "gold_features__weights__hold=2")
        printed = run(project, *executor, "features", *other)
        assert "No space left" in printed
        assert (place / "ticker=FB.US" / "part-000.parquet").read_bytes() == content
        filler.unlink()
    former.rename(place.with_name("x"))
