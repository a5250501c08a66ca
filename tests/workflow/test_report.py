"""The report as file targets: what is in it, when it is made anew, which tickers have a chart file."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.mf_etl.report.cases import called
from tests.workflow.conftest import copy_of, new_project

pytestmark = pytest.mark.xdist_group("workflow_report")

REPORT = "results/report"


@pytest.fixture(scope="module")
def built(template, tmp_path_factory):
    """A project with everything built; the tests put back what they change."""
    return copy_of(template, tmp_path_factory.mktemp("report") / "built")


def chart(ticker: str) -> str:
    return f"{REPORT}/tickers/exchange=NASDAQ/prefix={ticker[0]}/ticker={ticker}.js"


def files(project) -> dict[str, bytes]:
    """Every file of the report but the run history, which tells of times."""
    root = project.folder / REPORT
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "build.html"
    }


def test_the_report_is_part_of_all_and_is_not_made_twice(built):
    there = files(built)
    assert {"index.html", "index.js", "tickers/index.html", "tickers/index.js", "runs/index.html",
            "assets/bokeh.min.js", "assets/style.css"} <= set(there)  # fmt: skip
    charted = {name for name in there if name.startswith("tickers/exchange=")}
    assert charted == {
        chart(t).removeprefix(f"{REPORT}/") for t in ("FB.US", "ZVALUES.US", "ZEMPTY.US")
    }
    assert "Nothing to be done" in built.snakemake("--cores", "2")
    text = (built.folder / REPORT / "build.html").read_text(encoding="utf-8")
    assert "bronze ohlcv" in text, "the run that made it is on it"


def test_the_report_has_the_same_bytes_when_it_is_made_again(built):
    before = files(built)
    shutil.rmtree(built.folder / REPORT)
    told = built.snakemake("--cores", "2", "report")
    assert files(built) == before
    assert f"To look at it: open {REPORT}/index.html" in told


@pytest.mark.breadth
def test_those_with_most_rows_are_known_when_rows_are_counted(template, tmp_path):
    """A number of tickers: which ones they are follows from the symbol master (a checkpoint)."""
    project = copy_of(template, tmp_path / "number")
    shutil.rmtree(project.folder / REPORT)
    project.environment["MF_ETL_REPORT__TICKERS"] = "1"
    project.snakemake("--cores", "2", "report")
    charted = [name for name in files(project) if name.startswith("tickers/exchange=")]
    assert charted == [chart("FB.US").removeprefix(f"{REPORT}/")]
    assert "Nothing to be done" in project.snakemake("--cores", "2", "report")


def test_a_name_that_is_no_ticker_is_told(built):
    built.environment["MF_ETL_REPORT__TICKERS"] = "FB.US,NONE.US"
    told = built.snakemake("--dry-run", succeeds=False)
    del built.environment["MF_ETL_REPORT__TICKERS"]
    assert "mf_etl: report.tickers: NONE.US is not among the tickers that are built" in told


@pytest.mark.breadth
def test_one_chart_is_a_target_of_its_own_on_a_fresh_machine(tmp_path):
    project = new_project(tmp_path / "fresh")
    project.snakemake("--cores", "2", chart("ZVALUES.US"))
    name, data = called((project.folder / chart("ZVALUES.US")).read_text(encoding="utf-8"))
    assert name == "ticker" and data["ticker"] == "ZVALUES.US" and data["rows"] > 0
    quality = json.loads(
        (project.folder / project.file("bronze/quality_by_symbol", "ZVALUES.US"))
        .with_name("quality.json")
        .read_text(encoding="utf-8")
    )
    assert data["quality"]["rows_rejected"] == quality["rows_rejected"] == 10
    assert not (project.folder / "data/bronze/symbol_master").exists(), "nothing of all tickers"
    told = project.snakemake("--cores", "2", chart("ZNONE.US"), succeeds=False)
    assert "ZNONE.US is in no raw file" in told


@pytest.mark.breadth
def test_a_changed_raw_file_remakes_its_page_and_what_is_told_of_all(built):
    raw = built.raw / "nasdaq stocks" / "3" / "zvalues.us.txt"
    before = raw.read_bytes()
    pages = files(built)
    raw.write_bytes(before + b"ZVALUES.US,D,20240201,000000,10,11,9,10.5,100,0\r\n")
    try:
        built.snakemake("--cores", "2")
        changed = {name for name, content in files(built).items() if content != pages[name]}
    finally:
        raw.write_bytes(before)
        built.snakemake("--cores", "2")
    assert chart("ZVALUES.US").removeprefix(f"{REPORT}/") in changed
    assert chart("FB.US").removeprefix(f"{REPORT}/") not in changed
    assert {"index.html", "tickers/index.js"} <= changed
    assert files(built) == pages
