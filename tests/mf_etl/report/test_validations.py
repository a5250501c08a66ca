"""The page of a validation: what it holds is what the tables of the validation hold."""

from __future__ import annotations

import re

import pytest

from mf_etl.report.index import runs_values
from mf_etl.report.marks import histogram
from mf_etl.report.run_pages import validation_page
from mf_etl.report.validations import break_even, files_read, validation_values
from tests.mf_etl.report.validated import written


@pytest.fixture
def folder(tmp_path):
    """A finished validation of two states."""
    return written(tmp_path)


def test_the_page_holds_what_the_tables_hold(folder):
    values = validation_values(folder)
    assert [part["h"] for part in values["estimates"]] == [10, 1], (
        "the horizon asked for comes first"
    )
    first = values["estimates"][0]["rows"]
    assert [(row["state"], row["mean"]) for row in first] == [(0, -0.0005), (1, 0.0005)]
    assert values["measures"]["rows"][1] == (1, [0.0005, 0.0005])
    assert values["years"]["head"] == [2012, 2013]
    assert "–" in values["years"]["rows"][0][1][1]
    assert values["placebo"]["draws"] == 8 and values["placebo"]["beyond"] == 8
    text = validation_page(folder)
    assert "survivors &lt;only&gt;" in text and "This is research, not advice." in text
    assert "spreads × 2" in text and len(text.encode()) < 300_000
    assert re.search(r'<span class="pill warn">warn</span></h1>', text)
    assert re.findall(r"<h(\d)", text)[:2] == ["1", "2"]


def test_growth_is_compounded(folder):
    """0.1 % a day for 400 days is 1.001^400 = 1.49; 300 points of them at most are drawn."""
    (part,) = validation_values(folder)["equity"]
    own = re.search(r'class="third" d="M([^"]+)"', str(part["curve"]))[1].split(" L")
    assert len(own) <= 400
    assert ">1.4<" in part["curve"] and ">2013<" in part["curve"]


def test_the_size_at_which_nothing_is_left():
    rows = [
        {"strategy": "long", "break_even_aum": 2.5e8},
        {"strategy": "short", "break_even_aum": None},
    ]
    assert break_even(rows, "long") == "250,000,000"
    assert break_even(rows, "short") == "none of these sizes"


def test_a_histogram_counts_all_values():
    """Ten values in two bins of three and seven: bars of 3/7 of the height and of all of it."""
    text = str(histogram([0.0] * 3 + [1.0] * 7, 0.5, title="T", x_label="x", bins=2))
    heights = [float(h) for h in re.findall(r'height="([\d.]+)"', text)]
    assert heights[0] / heights[1] == pytest.approx(3 / 7, abs=0.01)
    assert 'class="mark"' in text and histogram([], None, title="", x_label="") == ""


def test_runs_tell_the_verdicts_of_their_validations(folder):
    run = {"run": "regimes_hmm_market", "research": "hmm", "kind": "hmm_run", "dataset": "market",
           "summary": "none.json"}  # fmt: skip
    summary = folder / files_read()["validation_summary"]
    told = [{"run": folder.name, "labels": run["run"], "summary": str(summary)},
            {"run": "other", "labels": run["run"], "summary": "none.json"}]  # fmt: skip
    values = runs_values([run], [], told)
    assert values["has_validation"]
    assert [v["verdict"] for v in values["rows"][0]["validations"]] == ["warn", "not built"]
    assert not runs_values([run], [], [])["has_validation"]
