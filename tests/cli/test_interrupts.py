"""Ctrl-C: SIGINT to the process group in the middle of a command, as a terminal sends it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import EXECUTABLE, Command
from tests.workflow.conftest import copy_of
from tests.workflow.research import FEATURES

pytestmark = pytest.mark.xdist_group("cli_interrupts")

QUICK = ("--features", ",".join(FEATURES))
SYNTH = ("--tickers", "2000", "--years", "20", "--seed", "1", "--processes", "2", "--out", "made")
MEANWHILE = {
    "features-run": ["features-run", "--full"],
    "cluster-run": ["research-cluster-run", "--method", "kmeans", "--n-clusters", "3", *QUICK],
    "hmm-stability": ["research-hmm-stability", "--n-components", "2", "--seeds", "2", *QUICK],
    "export": ["export-ml-dataset", "--start-date", "2001-01-02", "--csv"],
    "status": ["status"],
    "catalog": ["catalog"],
    "bronze-dry-run": ["bronze-run", "--dry-run"],
    "synth": ["synth", *SYNTH],
}
"""A command of each kind."""


@pytest.fixture(scope="module")
def mf_etl(research_template, tmp_path_factory) -> Command:
    folder = tmp_path_factory.mktemp("cli") / "interrupts"
    return Command(copy_of(research_template, folder, links=True))


def interrupted(mf_etl: Command, words: list[str], moment) -> tuple[int, str]:
    """Exit code and output of a command whose process group gets SIGINT at `moment`."""
    log = mf_etl.path("interrupted.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*EXECUTABLE, *words],
            cwd=mf_etl.project.folder,
            env={**os.environ, "MF_ETL_PATHS__RAW_ROOT": "raw", "PYTHONPATH": str(mf_etl.path())},
            stdout=output,
            stderr=output,
            start_new_session=True,
            # Also where the tests run in the background, whose processes ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            moment(process, log)
            os.killpg(process.pid, signal.SIGINT)
            code = process.wait(timeout=60)
            no_process_is_left(process.pid)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return code, log.read_text(errors="replace")


def no_process_is_left(group: int) -> None:
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("processes of the interrupted command are still there after 10 s")


def after(seconds: float):
    """A moment some time after the start, if the command lasts that long."""

    def moment(process: subprocess.Popen, log: Path) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
            pytest.skip(f"the command was over before {seconds} s")

    return moment


def when_told(words: str):
    """The moment at which the command has said this."""

    def moment(process: subprocess.Popen, log: Path) -> None:
        for _ in range(1200):
            if words in log.read_text(errors="replace"):
                return
            assert process.poll() is None, log.read_text(errors="replace")
            time.sleep(0.05)
        pytest.fail(f"the command never said {words}")

    return moment


def refuse_traces(code: int, told: str) -> None:
    assert code == 130, told
    assert "Traceback" not in told and "KeyboardInterrupt" not in told, told


def when_loaded(library: str):
    """The moment at which the process has begun to load this compiled library."""

    def moment(process: subprocess.Popen, log: Path) -> None:
        for _ in range(3000):
            if library in Path("/proc", str(process.pid), "maps").read_text(errors="replace"):
                return
            time.sleep(0.01)
        pytest.fail(f"the command never loaded {library}")

    return moment


@pytest.mark.faults
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux")
@pytest.mark.parametrize("library", ["pydantic_core", "polars"])
def test_while_it_loads(mf_etl, library):
    refuse_traces(*interrupted(mf_etl, MEANWHILE["features-run"], when_loaded(library)))


@pytest.mark.faults
@pytest.mark.parametrize("seconds", [1.6, 2.6, 4])
@pytest.mark.parametrize("kind", ["features-run", "status"])
def test_while_it_plans(mf_etl, kind, seconds):
    refuse_traces(*interrupted(mf_etl, MEANWHILE[kind], after(seconds)))


PLANNING = "Building DAG of jobs"


@pytest.mark.faults
@pytest.mark.parametrize(
    "kind", ["cluster-run", "hmm-stability", "export", "catalog", "bronze-dry-run"]
)
def test_in_the_middle_of_each_kind_of_command(mf_etl, kind):
    refuse_traces(*interrupted(mf_etl, MEANWHILE[kind], when_told(PLANNING)))


@pytest.mark.faults
def test_in_the_middle_of_its_jobs_and_the_next_run_goes_on(mf_etl):
    """Jobs that are done stay; the settings' change is not forgotten where the plan was cut."""
    words = [*MEANWHILE["features-run"], "--", "--cores", "1"]
    code, told = interrupted(mf_etl, words, when_told("gold_features"))
    refuse_traces(code, told)
    assert "what is finished stays" in told
    mf_etl("features-run")
    assert "Nothing to be done" in mf_etl("features-run").err


@pytest.mark.faults
def test_a_plan_that_is_cut_is_no_record_of_what_is_up_to_date(mf_etl):
    changed = {"MF_ETL_EVENT_GRAMMAR__HOLD_CONSECUTIVE_BARS": "6"}
    os.environ.update(changed)
    try:
        interrupted(mf_etl, ["features-run"], when_told(PLANNING))
    finally:
        for name in changed:
            del os.environ[name]
    done = mf_etl("features-run", "--", "--dry-run", **changed)
    assert "gold_events" in done.out + done.err


@pytest.mark.faults
def test_a_synthetic_archive(mf_etl):
    def at_work(process: subprocess.Popen, log: Path) -> None:
        for _ in range(1200):
            if next(mf_etl.path("made").rglob("*.us.txt"), None):
                return
            assert process.poll() is None, log.read_text(errors="replace")
            time.sleep(0.05)

    refuse_traces(*interrupted(mf_etl, MEANWHILE["synth"], at_work))


def test_a_command_that_only_looks(mf_etl):
    pipe = mf_etl.path("raw", "nyse stocks", "wait.us.txt")
    os.mkfifo(pipe)
    try:
        refuse_traces(*interrupted(mf_etl, ["parse-sample", "--file", str(pipe)], after(4)))
    finally:
        pipe.unlink()
