"""Builds in parcels do what one plan of everything does, whatever happens on the way."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter

import pytest

from mf_etl.planning.state import SlotLock
from tests.workflow.conftest import LAYERS, new_project

pytestmark = pytest.mark.xdist_group("workflow_parcels")

BUILD = ("--cores", "2", "features", "qa", "dataset")
FLAT = ("--config", "planning__parcels=false")
FILES = {
    "bronze_ohlcv": "bronze/ohlcv_by_symbol",
    "bronze_rejects": "bronze/rejects_by_symbol",
    "silver_base": "silver/base_series_by_symbol",
    "silver_indicators": "silver/indicators_by_symbol",
    "gold_events": "gold/events_by_symbol",
    "gold_features": "gold/features_by_symbol",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Built once, with a slot a ticker or so; tests leave it as they found it."""
    project = new_project(tmp_path_factory.mktemp("parcels") / "project")
    project.edit("mf_etl/planning/slots.py", "TICKERS_A_SLOT = 125", "TICKERS_A_SLOT = 1")
    project.snakemake(*BUILD)
    return project


def newest_record(project) -> dict:
    history = (project.folder / "results/run_history").iterdir()
    return json.loads(max(history, key=lambda path: path.stat().st_mtime_ns).read_text())


def done(project) -> dict[str, int]:
    """Jobs that the last run has done, by rule."""
    counts: Counter[str] = Counter()
    for job in newest_record(project)["jobs"]:
        counts[job["rule"]] += job["count"] if job["done"] else 0
    return dict(+counts)


@pytest.mark.breadth
def test_slots_change_no_byte_over_the_universe(project, built):
    """One slot there, several here."""
    slots = [path.name for path in (project.folder / "data/summaries/gold_features").iterdir()]
    assert len(slots) > 1
    for folder in ("bronze/symbol_master", "gold/datasets"):
        files = [path for path in (built.folder / "data" / folder).rglob("*") if path.is_file()]
        assert files
        for path in files:
            here = project.folder / path.relative_to(built.folder)
            assert here.read_bytes() == path.read_bytes(), path


@pytest.mark.breadth
def test_forced_rules_are_forced_in_parcels(project):
    assert project.planned("--forceall") == dict.fromkeys(LAYERS, 3)
    assert project.planned("--forcerun", "gold_features") == {"gold_features": 3}
    before = project.data()
    project.snakemake("--cores", "2", "--forcerun", "gold_features", "--", "features")
    assert done(project)["gold_features"] == 3 and "gold_events" not in done(project)
    assert project.data() == before


@pytest.mark.breadth
def test_whatever_happens_to_files_both_plans_agree(project):
    """Random damage, the same for both: files touched, written anew or lost, and states lost."""
    choose = random.Random(11)
    before = project.data()
    seen = set()
    for _ in range(2):
        for dataset in choose.sample(sorted(FILES), 4):
            ticker = choose.choice(("FB.US", "ZVALUES.US", "ZEMPTY.US"))
            path = project.folder / project.file(FILES[dataset], ticker)
            change = choose.choice(("touch", "write", "remove"))
            seen.add(change)
            if change == "touch" and path.exists():
                os.utime(path)
            elif change == "write" and path.exists():
                path.write_bytes(path.read_bytes())
            else:
                path.unlink(missing_ok=True)
        assert project.planned() == project.planned(*FLAT)
    assert seen == {"touch", "write", "remove"}
    project.snakemake(*BUILD)
    assert project.data() == before
    assert project.planned() == project.planned("features", *FLAT) == {}
    shutil.rmtree(project.folder / "data/.cache/parcels")
    assert project.planned() == {}  # all is looked at again, and nothing is to do
    project.snakemake(*BUILD)
    assert "bronze_ohlcv" not in done(project)
    assert project.data() == before
    assert "Nothing to be done" in project.snakemake("--dry-run", "features", "qa", "dataset")


def test_one_changed_ticker_redoes_its_slot_alone(project):
    raw = project.raw / "nasdaq stocks/1/fb.us.txt"
    before = raw.read_bytes()
    raw.write_bytes(before.replace(b"38.2318", b"38.2319", 1))
    console = project.snakemake("--dry-run")
    assert "changed 1: FB.US" in console
    project.snakemake(*BUILD)
    assert {layer: done(project)[layer] for layer in LAYERS} == dict.fromkeys(LAYERS, 1)
    assert done(project)["parcel"] == len(LAYERS)
    raw.write_bytes(before)
    project.snakemake(*BUILD)


@pytest.mark.breadth
def test_a_build_of_some_layers_is_no_build_of_those_below(project):
    """Bronze is up to date under the new setting, the layers below are not."""
    changed = ("--config", "event_grammar__hold_consecutive_bars=7")
    project.snakemake("--cores", "2", "bronze", *changed)
    assert project.planned("features", *changed) == {"gold_events": 3, "gold_features": 3}
    assert project.planned() == {}


@pytest.mark.breadth
def test_a_ticker_that_failed_is_tried_again_in_each_run(project):
    """One ticker fails, the others are built, and so again; the run after the repair takes it up."""
    before = project.data()
    script = project.folder / "scripts" / "gold_events.py"
    text = script.read_text()
    fault = '    if "FB.US" in str(gold_events):\n        raise OSError("no space")\n'
    assert text.count("    GOLD_EVENTS.write(") == 1
    script.write_text(text.replace("    GOLD_EVENTS.write(", fault + "    GOLD_EVENTS.write("))
    for _ in range(2):
        printed = project.snakemake(*BUILD, succeeds=False)
        assert "FB.US" in printed and "no space" in printed and "Traceback" not in printed
        log = project.folder / "logs" / "gold_events" / "NASDAQ" / "F" / "FB.US.log"
        assert "Traceback" in log.read_text() and str(log.relative_to(project.folder)) in printed
    assert "failed before 1: FB.US" in project.snakemake("--dry-run")
    assert project.planned() == {"gold_events": 1, "gold_features": 1}
    failures = newest_record(project)["failures"]
    assert [f["wildcards"]["ticker"] for f in failures if f["rule"] == "gold_events"] == ["FB.US"]
    # So does a run for a file over the universe alone, which is made without that ticker.
    summary = "results/gold_feature_qa/features_sanity_summary.json"
    printed = project.snakemake("--cores", "2", summary, succeeds=False)
    assert "tickers that could not be built: 1, as told below" in printed
    assert "Failed: 1\n  gold_events FB.US: OSError: no space" in printed
    script.write_text(text)
    project.snakemake(*BUILD)
    assert project.data() == before


@pytest.mark.breadth
def test_a_script_that_kills_its_process_fails_its_ticker_alone(project):
    before = project.data()
    script = project.folder / "scripts" / "gold_events.py"
    text = script.read_text()
    fault = '    import os\n    if "FB.US" in str(gold_events):\n        os.kill(os.getpid(), 9)\n'
    script.write_text(text.replace("    GOLD_EVENTS.write(", fault + "    GOLD_EVENTS.write("))
    printed = project.snakemake(*BUILD, succeeds=False)
    assert "gold_events FB.US: killed by SIGKILL" in printed
    assert project.planned() == {"gold_events": 1, "gold_features": 1}
    script.write_text(text)
    project.snakemake(*BUILD)
    assert project.data() == before


@pytest.mark.breadth
def test_what_another_run_builds_is_refused_with_one_line(project):
    path = project.folder / project.file("gold/features_by_symbol", "FB.US")
    path.unlink()
    locks = [SlotLock(file) for file in (project.folder / "data/.cache/parcels").glob("*.lock")]
    assert locks and all(lock.take() for lock in locks)
    target = project.file("gold/features_by_symbol", "FB.US")
    printed = project.snakemake("--cores", "1", target, succeeds=False)
    for lock in locks:
        lock.give_back()
    assert f"are being built by another run (process {os.getpid()})" in printed
    assert "Traceback" not in printed and not path.exists()
    project.snakemake("--cores", "1", target)
    project.snakemake(*BUILD)


@pytest.mark.breadth
def test_touched_files_are_taken_as_built(project):
    changed = ("--config", "gold_features__weights__hold=2")
    assert project.planned(*changed) == {"gold_features": 3}
    project.snakemake("--cores", "1", "--touch", "features", *changed)
    assert project.planned(*changed) == {}
    project.snakemake(*BUILD)
