"""Clocks, failures and kills: nothing that was built is lost, with either executor."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import polars as pl
import pytest

from mf_etl.database import connect
from tests.conftest import raw_file, raw_row
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


@pytest.fixture(params=["warm", pytest.param("stock", marks=pytest.mark.faults)])
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


@pytest.mark.faults
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


@pytest.mark.faults
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


@pytest.mark.faults
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
        pytest.param("silver_base", "import os; os.kill(os.getpid(), 9)", marks=pytest.mark.faults),
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


@pytest.mark.faults
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
    with started(project, "--cores", "1", *options, "features") as process:
        wait_for(process, (project.folder / "begun").exists)
        yield process


def wait_for(process: subprocess.Popen, happened: Callable[[], object]) -> None:
    """Wait until something has happened in a build that has not ended."""
    for _ in range(1200):
        if happened():
            return
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.1)
    raise AssertionError("it has not happened in two minutes")


@contextlib.contextmanager
def started(project: Project, *arguments: str) -> Iterator[subprocess.Popen]:
    """A build in a process group of its own, killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=project.folder,
        env=os.environ | {"MF_ETL_PATHS__RAW_ROOT": "raw", "PYTHONPATH": str(project.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill_tree(process)


@pytest.mark.faults
def test_a_killed_build_leaves_what_was_there(built_once, project, executor):
    before = stamps(project)
    with under_way(project, *executor) as process:
        kill_tree(process)
    assert set(before) <= set(stamps(project))
    project.snakemake("--unlock")
    mend_step(project, built_once, "gold_events")
    project.snakemake("--cores", "2", *executor, "features")
    assert tables(project) == tables(built_once)


@pytest.mark.faults
def test_a_kill_after_a_failure_leaves_what_was_there(built_once, project):
    """The failed job's files are back with the next run, although that asks for another file."""
    before = stamps(project)
    other = project.raw / "nyse stocks" / "other.us.txt"
    other.parent.mkdir()
    other.write_text((project.raw / FB).read_text().replace("FB.US", "OTHER.US"))
    break_step(project, "bronze_ohlcv", 'raise OSError("broken")')
    break_step(project, "bronze_ohlcv", "import time; time.sleep(600)", of="OTHER.US")
    bronze = [project.folder / "data" / path for path in before if path.startswith("bronze/")]
    flat = ("--config", "planning__parcels=false")  # the failure is seen while the other works
    with started(project, "--cores", "2", "features", *flat) as process:
        log = project.folder / "logs/bronze_ohlcv/NASDAQ/F/FB.US.log"
        wait_for(process, lambda: log.exists() and "broken" in log.read_text())
        wait_for(process, lambda: not any(path.exists() for path in bronze))
    other.unlink()
    mend_step(project, built_once, "bronze_ohlcv")
    project.snakemake("--unlock")
    manifest = "data/bronze/manifests/file_manifest_current.parquet"
    printed = project.snakemake("--cores", "1", manifest)
    assert "Put back 3 former files that a killed run has left" in printed
    assert stamps(project) == before
    project.snakemake("--cores", "1", "features")
    assert tables(project).items() >= tables(built_once).items()


@pytest.mark.faults
def test_an_interrupted_build_leaves_what_was_there(built_once, project, executor):
    before = stamps(project)
    with under_way(project, *executor) as process:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
    assert stamps(project).keys() == before.keys()
    mend_step(project, built_once, "gold_events")
    project.snakemake("--cores", "2", *executor, "features")
    assert tables(project) == tables(built_once)


@pytest.mark.faults
def test_no_permission_leaves_what_was_there(built_once, project, executor):
    change_raw(project)
    (project.raw / FB).chmod(0o000)
    before = stamps(project)
    run(project, *executor, "features")
    assert stamps(project) == before
    (project.raw / FB).chmod(0o644)
    folder = (project.folder / project.file("silver/base_series_by_symbol", "FB.US")).parent
    folder.chmod(0o555)
    printed = run(project, *executor, "features")
    assert "is to be made anew, but its folder cannot be written: Permission denied" in printed
    assert stamps(project) == before
    folder.chmod(0o755)
    project.snakemake("--cores", "2", *executor, "features")
    assert stamps(project) != before


@pytest.mark.faults
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


@pytest.mark.faults
def test_a_damaged_file_is_named_with_the_command_that_mends_it(project, executor):
    indicators = project.file("silver/indicators_by_symbol", "FB.US")
    path = project.folder / indicators
    whole = path.read_bytes()
    stamp = path.stat().st_mtime_ns
    path.write_bytes(whole[:-100])
    os.utime(path, ns=(stamp, stamp))
    other = ("--config", "event_grammar__hold_consecutive_bars=6")
    printed = project.snakemake("--cores", "2", *executor, "features", *other, succeeds=False)
    told = re.search(r"gold_events FB\.US: (.*) is cut short .*make it anew: (.*) \(log", printed)
    assert told and told[1] == indicators
    program, *arguments = shlex.split(told[2])
    assert program == "snakemake"
    project.snakemake(*arguments, *executor)
    assert path.read_bytes() == whole
    project.snakemake("--cores", "2", *executor, "features", *other)


def test_from_elsewhere_all_is_in_the_folder(project, tmp_path):
    break_step(project, "gold_events", 'raise OSError("broken")')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--directory", project.folder, "--cores", "1",
         "--snakefile", project.folder / "Snakefile", "features"],
        cwd=elsewhere,
        env=os.environ | {"MF_ETL_PATHS__RAW_ROOT": "raw", "PYTHONPATH": str(project.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "Failed: 1\n  gold_events FB.US: OSError: broken" in done.stdout
    assert list(elsewhere.iterdir()) == []
    history = (project.folder / "results" / "run_history").iterdir()
    (failure,) = [told for file in history for told in json.loads(file.read_text())["failures"]]
    assert failure["error"].startswith("gold_events FB.US: OSError: broken")
    assert tables(project) and not list(project.folder.rglob("*.former"))


@pytest.mark.faults
def test_the_catalogue_comes_last_and_shows_the_universe(project):
    printed = project.snakemake("--cores", "1", "catalog")
    assert "not built yet: symbol_master (snakemake qa)" in printed
    other = project.raw / "nyse stocks" / "other.us.txt"
    other.parent.mkdir()
    other.write_text((project.raw / FB).read_text().replace("FB.US", "OTHER.US"))
    project.snakemake("--cores", "2", "features", "qa", "catalog")
    path = project.folder / "data" / "mf_etl.duckdb"
    both = [("FB.US",), ("OTHER.US",)]
    with connect(path) as database:
        assert database.sql("select ticker from symbol_master order by 1").fetchall() == both
        assert database.sql("select distinct ticker from features order by 1").fetchall() == both
    other.unlink()
    printed = project.snakemake("--cores", "2", "features", "catalog")
    assert "Beside them lie files of 1 tickers that are not of this universe (OTHER.US)" in printed
    with connect(path) as database:
        for view in ("bronze", "features", "quality"):
            assert database.sql(f"select distinct ticker from {view}").fetchall() == both[:1]


def test_what_cannot_be_read_is_left_out_and_named(project):
    folder = project.raw / "nasdaq stocks"
    locked = folder / "locked"
    locked.mkdir()
    shutil.copy(project.raw / FB, locked / "b.us.txt")
    locked.chmod(0o000)
    odd = os.fsdecode(b"caf\xe9.us.txt")
    shutil.copy(project.raw / FB, folder / odd)
    (folder / "loop").symlink_to(folder)
    (project.raw / "otc stocks").mkdir()
    shutil.copy(project.raw / FB, project.raw / "otc stocks" / "c.us.txt")
    of_many = raw_file(*(raw_row("20240102", ticker=f"{name}.US") for name in "ABC"))
    (folder / "day.us.txt").write_bytes(of_many)
    change_raw(project)
    manifest = "data/bronze/manifests/file_manifest_current.parquet"
    printed = run(project, "features", manifest, code=0)
    for line in (
        "1 under no known folder (otc stocks 1",
        "a folder that cannot be listed: Permission denied",
        r"a name that is not UTF-8 (nasdaq stocks/caf\xe9.us.txt)",
        "a link to a folder",
        "1 file of many tickers, as Stooq's daily updates are (nasdaq stocks/day.us.txt; each "
        "ticker's own file is needed)",
    ):
        assert line in printed
    assert len([line for line in printed.splitlines() if "day.us.txt" in line]) == 1
    assert not list((project.folder / "data").rglob("ticker=DAY.US"))
    assert "bronze_ohlcv 1" in printed
    listed = pl.read_parquet(project.folder / manifest).filter(pl.col("status") == "IGNORED")
    assert dict(listed.select("source_file", "reason").rows()) == {
        "nasdaq stocks/locked/": "a folder that cannot be listed: Permission denied",
        r"nasdaq stocks/caf\xe9.us.txt": "a name that is not UTF-8",
        "nasdaq stocks/loop/": "a link to a folder",
        "otc stocks/c.us.txt": "under no known folder",
        "nasdaq stocks/day.us.txt": "many_tickers",
    }
    locked.chmod(0o755)
