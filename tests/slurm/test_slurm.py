"""A build through `profiles/slurm` on a real SLURM, with what can go wrong there, against a local one.

``make test-slurm``; skipped where SLURM is not and cannot be installed.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from mf_etl.synth import write_archive
from tests.cli.conftest import Command
from tests.slurm.lab import Lab, NoSlurm
from tests.workflow.conftest import Project, new_project

pytestmark = pytest.mark.slurm

TICKERS = 300
SECONDS = 900
TARGETS = ("features", "qa", "dataset", "hmm")
PROFILE = (
    "--profile",
    "profiles/slurm",
    "--cores",
    "2",
    "--group-components",
    "slots=2",
    "checks=9",
)
# The lab is looked at each second, a cell has two minutes, and only parcels are tried again.
QUICKLY = ("--seconds-between-status-checks", "1", "--latency-wait", "5", "--retries", "0")
LIMITS = ("--set-resources", "hmm_cell:runtime=2", "--")

PREPARATION = {"features": ["tmf_21", "tmf_slope_5", "delta_flow_20"]}
FIT = {"n_iter": 5, "n_restarts": 1, "start_rows": 1000}
ASKED = {"dataset": "nyse", "preparation": PREPARATION}
SETTINGS = {
    "paths": {"raw_root": "raw"},
    "datasets": {"nyse": {"exchanges": ["NYSE"]}},
    "research_hmm": {
        "runs": {"two": {"hmm": {"n_components": 2} | FIT} | ASKED},
        "sweeps": {"few": {"components": [2, 3], "hmm": FIT} | ASKED},
    },
}

# In the copies of the project, a file `faults/RULE` makes a job of that rule fail or hang if its
# wildcards have the text that the file holds. Taking it away changes no code.
FAULT = """
        fault = Path("faults", snakemake.rule)
        if fault.exists() and fault.read_text() in ",".join(snakemake.wildcards):
            if snakemake.rule == "gold_events":
                raise OSError("no space")
            __import__("time").sleep(600)
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    folder.chmod(0o755)
    cluster = Lab(folder / "slurm")
    try:
        cluster.up()
        yield cluster
    except NoSlurm as problem:
        pytest.skip(str(problem))
    finally:
        cluster.down()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def projects(tmp_path_factory, lab) -> tuple[Project, Project]:
    """One that is built here, and its like for the cluster, in which nothing is built."""
    root = tmp_path_factory.mktemp("slurm")
    here = new_project(root / "here")
    here.seconds = SECONDS
    shutil.rmtree(here.raw)
    write_archive(here.raw, tickers=TICKERS, years=2, seed=5, anomalies=False)
    (here.folder / "config" / "config.yaml").write_text(yaml.safe_dump(SETTINGS))
    here.edit("mf_etl/planning/slots.py", "TICKERS_A_SLOT = 125", "TICKERS_A_SLOT = 40")
    call = "        main(**arguments(main, snakemake))\n"
    here.edit("mf_etl/job.py", call, FAULT.lstrip("\n") + call)
    here.snakemake("--cores", "2", *TARGETS)
    there = Project(root / "there", lab.environment, SECONDS)
    # What is compiled comes along, what is built does not; the archive has a folder `data`, too.
    built = {"data", "results", "logs", ".snakemake"}
    shutil.copytree(
        here.folder,
        there.folder,
        ignore=lambda folder, _: built if folder == str(here.folder) else (),
    )
    return here, there


class Accidents:
    """What happens to a cluster while it builds: each once, as soon as there is a job for it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.seen: dict[str, str] = {}
        self.cancelled: dict[str, str] = {}

    def happen_during(self, build: Future[str]) -> None:
        """Look at the queue until the build is over."""
        while not build.done():
            time.sleep(0.3)
            for line in self.lab.asked("squeue", "--noheader", "--format=%A %T %j").splitlines():
                number, state, name = line.split()
                kind = name.split(".")[1]
                self.seen[number] = kind
                if kind in ("slots", "hmm_run") and state == "RUNNING":
                    self.happen(kind, number)

    def happen(self, kind: str, number: str) -> None:
        if kind in self.cancelled:
            return
        time.sleep(2)  # in the middle of it
        self.lab.asked("scancel", number)
        self.cancelled[kind] = number
        if kind == "slots":
            self.lab.stop_controller()
            time.sleep(8)
            self.lab.start_controller()


def newest_record(project: Project) -> dict:
    history = (project.folder / "results" / "run_history").iterdir()
    return json.loads(max(history, key=lambda path: path.name).read_text(encoding="utf-8"))


def done(record: dict) -> Counter[str]:
    counts: Counter[str] = Counter()
    for job in record["jobs"]:
        counts[job["rule"]] += job["count"] if job["done"] else 0
    return counts


def results(project: Project) -> dict[str, bytes]:
    """Every result file by its relative path, but for what tells of runs and times."""
    root = project.folder / "results"
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "run_history" not in path.parts
    }


def test_whatever_happens_to_a_cluster_all_is_accounted_for_and_repaired(lab, projects):
    """A ticker fails, a job of slots and a run are cancelled, a cell hangs, slurmctld is restarted."""
    here, there = projects
    events = sorted((here.folder / "data/gold/events_by_symbol/exchange=NASDAQ").rglob("*.parquet"))
    ticker = events[0].parts[-2].removeprefix("ticker=")
    faults = there.folder / "faults"
    faults.mkdir()
    (faults / "gold_events").write_text(ticker)
    (faults / "hmm_run").touch()
    cells = [path.stem for path in (here.folder / "results").rglob("cells/*.json")]
    assert len(cells) == 2
    (faults / "hmm_cell").write_text(cells[0])
    accidents = Accidents(lab)
    arguments = (*PROFILE, *QUICKLY, *LIMITS, *TARGETS)
    with ThreadPoolExecutor() as pool:
        build = pool.submit(there.snakemake, *arguments, succeeds=False)
        accidents.happen_during(build)
        console = build.result()
    kinds = Counter(accidents.seen.values())
    print(f"cluster jobs: {dict(kinds)}")

    assert accidents.cancelled.keys() == {"slots", "hmm_run"}, console
    record = newest_record(there)
    told = {failure["rule"]: failure["error"] for failure in record["failures"]}
    # The gate of the checks fails, too, as a ticker is missing.
    assert told.keys() == {"gold_events", "qa_gate", "hmm_run", "hmm_cell"}, console
    assert "no space" in told["gold_events"] and ticker in told["gold_events"]
    assert "was cancelled" in told["hmm_run"]
    assert "was stopped after its time limit of 2 minutes" in told["hmm_cell"]
    assert all(line in console for line in told.values())
    assert done(record)["bronze_ohlcv"] == done(record)["silver_indicators"] == TICKERS
    assert done(record)["gold_events"] == TICKERS - 1
    # Slots of 40 tickers, two a job; the cancelled one is submitted again.
    assert kinds["slots"] == 5

    shutil.rmtree(faults)
    there.snakemake(*PROFILE, *QUICKLY, *LIMITS, *TARGETS)
    repaired = done(newest_record(there))
    assert {layer: repaired[layer] for layer in ("silver_indicators", "gold_events")} == {
        "silver_indicators": 0,
        "gold_events": 1,
    }
    # The slot of the ticker holds tickers of the dataset, too: that is made anew, and all below it.
    assert {step: repaired[step] for step in ("hmm_run", "hmm_cell", "hmm_sweep")} == {
        "hmm_run": 1,
        "hmm_cell": 2,
        "hmm_sweep": 1,
    }
    assert there.data() == here.data()
    assert results(there) == results(here)
    # Kept is what was stopped, for who wants to know why; nothing of jobs that ended well.
    kept = {path.stem for path in (there.folder / ".snakemake/cluster").iterdir()}
    assert Counter(accidents.seen[number] for number in kept) == Counter(
        ["slots", "hmm_run", "hmm_cell"]
    )
    assert "Nothing to be done" in there.snakemake(*PROFILE, *LIMITS, *TARGETS)


def test_the_command_line_goes_through_it(lab, projects):
    """A ticker's layers are one job of the cluster, and a setting of the environment holds in it."""
    _, there = projects
    path = min((there.folder / "data/silver/base_series_by_symbol").rglob("*.parquet"))
    ticker = path.parts[-2].removeprefix("ticker=")
    before, jobs = path.read_bytes(), next_job(lab)
    mf_etl = Command(there, lab.environment)
    mf_etl("silver-one", "--ticker", ticker, "--", *PROFILE, MF_ETL_PARQUET__COMPRESSION="snappy")
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "SNAPPY"
    assert next_job(lab) == jobs + 1
    mf_etl("silver-one", "--ticker", ticker, "--", *PROFILE)
    assert path.read_bytes() == before


def next_job(lab: Lab) -> int:
    """Number that SLURM will give to its next job."""
    return int(re.search(r"NEXT_JOB_ID\s*=\s*(\d+)", lab.asked("scontrol", "show", "config"))[1])
