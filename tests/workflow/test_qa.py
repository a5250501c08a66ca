"""Files over the universe: complete after a build, and after one in which a ticker failed."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import polars as pl
import pytest

from tests.workflow.conftest import LAYERS_AND_CHECKS, new_project

pytestmark = pytest.mark.xdist_group("workflow_qa")

BUILD = ("--cores", "2", *LAYERS_AND_CHECKS)
VERDICT = "results/qa/verdict.json"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Built once; tests leave it as they found it."""
    project = new_project(tmp_path_factory.mktemp("qa") / "project")
    project.console = project.snakemake(*BUILD)
    return project


def read(project, path):
    return json.loads((project.folder / path).read_text())


def jobs_of(project, *arguments) -> dict[str, int]:
    """Jobs by rule that were done by the last run, from the run history."""
    newest = max(
        (project.folder / "results/run_history").iterdir(), key=lambda p: p.stat().st_mtime
    )
    record = json.loads(newest.read_text())
    counts: Counter[str] = Counter()
    for job in record["jobs"]:
        counts[job["rule"]] += job["count"] if job["done"] else 0
    return dict(+counts)


def test_a_build_ends_with_the_verdict_and_leaves_every_file(project):
    assert "Checks: warn" in project.console
    assert "warn: bronze_ohlcv empty_share" in project.console
    checks = read(project, VERDICT)["checks"]
    assert {c["layer"] for c in checks} == {
        "bronze_ohlcv", "silver_base", "silver_indicators", "gold_events", "gold_features",
    }  # fmt: skip
    assert not [c for c in checks if c["result"] == "fail"]
    master = pl.read_csv(project.folder / "data/bronze/symbol_master/symbol_master.csv")
    assert master["ticker"].to_list() == ["FB.US", "ZEMPTY.US", "ZVALUES.US"]
    rows = read(project, "results/gold_feature_qa/features_sanity_summary.json")["rows"]
    assert rows == master["rows_valid"].sum() > 0
    assert "Nothing to be done" in project.snakemake(*BUILD, "--dry-run")


def test_every_line_of_the_raw_files_is_accounted_for(project):
    summary = read(project, "results/bronze_qa/bronze_sanity_summary.json")
    lines = [
        line
        for path in project.raw.rglob("*.txt")
        for line in path.read_text().splitlines()[1:]
        if line.strip()
    ]
    assert summary["rows_total"] == len(lines)
    assert summary["rows_valid"] + summary["rows_rejected"] == len(lines)


@pytest.mark.breadth
def test_a_failed_ticker_is_named_as_missing_and_the_next_run_repairs(project):
    before = project.data()
    features = project.folder / project.file("gold/features_by_symbol", "FB.US")
    events = project.folder / project.file("gold/events_by_symbol", "FB.US")
    events.unlink()
    obstacle = events.with_name(".part-000.parquet.partial")
    obstacle.mkdir()
    (obstacle / "file").touch()
    console = project.snakemake(*BUILD, succeeds=False)
    assert "Traceback" not in console
    assert "fail: gold_events missing_tickers = 1 (more than 0): FB.US (NASDAQ)" in console
    results = pl.read_parquet(
        project.folder / "results/gold_event_run_summaries/events_ticker_results.parquet"
    )
    failed = results.filter(~pl.col("success")).to_dicts()
    assert [row["ticker"] for row in failed] == ["FB.US"]
    assert failed[0]["error"].startswith("gold_events FB.US: ")
    missing = {
        c["layer"]
        for c in read(project, VERDICT)["checks"]
        if c["check"] == "missing_tickers" and c["value"]
    }
    assert missing == {"gold_events", "gold_features"}
    histories = (
        json.loads(p.read_text()) for p in (project.folder / "results/run_history").iterdir()
    )
    failures = [failure for record in histories for failure in record["failures"]]
    assert "FB.US" in [failure["wildcards"].get("ticker") for failure in failures]
    shutil.rmtree(obstacle)
    project.snakemake(*BUILD)
    assert features.exists() and project.data() == before
    assert "Nothing to be done" in project.snakemake(*BUILD, "--dry-run")


@pytest.mark.breadth
def test_fail_on_decides_about_the_exit_code(project):
    strict = (*BUILD, "--config", "qa__fail_on=warn")
    console = project.snakemake(*strict, succeeds=False)
    assert "the checks say warn: bronze_ohlcv" in console
    project.snakemake(*strict, succeeds=False)  # and again: it is no news that fails
    project.snakemake(*BUILD, "--config", "qa__fail_on=never")
    project.snakemake(*BUILD)


@pytest.mark.breadth
def test_one_changed_ticker_brings_only_its_part_up_to_date(project):
    raw = project.raw / "nasdaq stocks/1/fb.us.txt"
    before = raw.read_text()
    raw.write_text("\n".join(before.splitlines()[:-1]) + "\n")
    project.snakemake(*BUILD)
    done = jobs_of(project)
    assert done["bronze_ohlcv"] == done["gold_features"] == done["file_manifest"] == 1
    assert done["parcel"] == 5  # one a layer
    manifest = pl.read_parquet(
        project.folder / "data/bronze/manifests/file_manifest_current.parquet"
    )
    statuses = dict(manifest.select("ticker", "status").rows())
    assert statuses == {"FB.US": "CHANGED", "ZEMPTY.US": "UNCHANGED", "ZVALUES.US": "UNCHANGED"}
    raw.write_text(before)
    project.snakemake(*BUILD)


@pytest.mark.breadth
def test_only_a_full_build_promotes_the_manifest(project):
    stable = project.folder / "data/bronze/manifests/file_manifest.parquet"
    raw = project.raw / "nasdaq stocks/1/fb.us.txt"
    before, promoted = raw.read_text(), stable.read_bytes()
    raw.write_text(before + "FB.US,D,20990101,000000,1,1,1,1,1,0\n")
    project.snakemake(*BUILD, "--config", "universe__limit=1")
    assert stable.read_bytes() == promoted
    project.snakemake(*BUILD, "--dry-run")
    assert stable.read_bytes() == promoted
    project.snakemake(*BUILD)
    assert stable.read_bytes() != promoted
    raw.write_text(before)
    project.snakemake(*BUILD)


@pytest.mark.breadth
def test_prune_lists_and_deletes_only_when_told_to(project):
    raw = project.raw / "nasdaq stocks/1/fb.us.txt"
    moved = project.raw / "nyse stocks/1/fb.us.txt"
    moved.parent.mkdir(parents=True)
    raw.rename(moved)
    project.snakemake(*BUILD)
    old = project.folder / project.file("gold/features_by_symbol", "FB.US")
    master = pl.read_parquet(project.folder / "data/bronze/symbol_master/symbol_master.parquet")
    assert master.filter(ticker="FB.US")["exchange"].to_list() == ["NYSE"]
    assert str(old.relative_to(project.folder)) in project.snakemake("--cores", "1", "prune")
    assert old.exists()
    console = project.snakemake("--cores", "1", "prune", "--config", "prune__delete=true")
    assert "7 orphan files deleted" in console and not old.exists()
    assert (project.folder / project.file("gold/features_by_symbol", "FB.US", "NYSE")).exists()
