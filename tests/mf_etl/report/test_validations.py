"""The page of a validation: what it holds is what the tables of the validation hold."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import polars as pl
import pytest

from mf_etl.report.index import runs_values
from mf_etl.report.marks import histogram
from mf_etl.report.run_pages import validation_page
from mf_etl.report.validations import break_even, files_read, validation_values
from mf_etl.schemas.validation_tables import VALIDATION_TABLES

SUMMARY = {
    "labels": "regimes_hmm_market", "column": "hmm_state", "in_sample": False, "verdict": "warn",
    "account": "warn: survivors only",
    "lines": [{"verdict": "warn", "finding": "survivors <only>", "value": True, "threshold": False},
              {"verdict": "warn", "finding": "DSR", "value": 0.5, "threshold": 0.95}],
    "findings": {"placebo_p": 0.01}, "folds": 2, "first_test_day": "2012-01-03",
    "last_test_day": "2013-03-01", "rows": 4_000, "states": 2, "days": 290, "block": 22.0,
    "drift": {"tau": 0.4}, "notes": ["This is research, not advice."],
    "options": {"labels": "regimes_hmm_market", "h": 10},
}  # fmt: skip
DAYS = [date(2012, 1, 3) + timedelta(n) for n in range(400)]


def frame(name: str, rows: list[dict]) -> pl.DataFrame:
    """Rows of a table; what is not named is null, or something of the kind."""
    table, _ = VALIDATION_TABLES[name]
    plain = {"Boolean": True, "String": "x", "Date": DAYS[0]}
    filled = [
        {c.name: None if c.nullable else plain.get(str(c.stored_dtype(pl.Float64)), 1)
         for c in table.columns} | row
        for row in rows
    ]  # fmt: skip
    return pl.DataFrame(filled, schema=table.schema(), strict=False)


@pytest.fixture
def folder(tmp_path):
    """A finished validation of two states."""
    place = tmp_path / "validation_runs" / "v_regimes_hmm_market"
    place.mkdir(parents=True)
    cells = [
        {"state": state, "h": h, "measure": measure, "rows": 100, "dates": 50,
         "mean": (state - 0.5) * h / 1e4, "lo": -0.002, "hi": 0.003, "p_stepdown": 0.2}
        for state in (0, 1) for h in (1, 10) for measure in ("xs", "oo")
    ]  # fmt: skip
    tables = {
        "state_outcomes": cells,
        "pairs": [{"state_a": 0, "state_b": 1, "h": 10, "diff": -0.001}],
        "placebo": [{"draw": n, "shift": n, "separation": n / 1e4} for n in (*range(1, 9), 0)],
        "event_paths": [
            {"prev": 0, "next": 1, "r": r, "caar": r / 1e4, "lo": -1e-3, "hi": 1e-3}
            for r in range(-10, 21)
        ],
        "event_summary": [{"prev": 0, "next": 1, "events": 300, "dates": 120, "p_stepdown": 0.3}],
        "by_year": [
            {"year": year, "state": state, "mean_xs": None if year == 2013 else state / 1e3}
            for year in (2012, 2013)
            for state in (0, 1)
        ],
        "dwell": [{"state": state, "runs": 40, "km_median": 7.0} for state in (0, 1)],
        "daily": [
            {"strategy": "long", "trade_date": day, "net": 0.001, "market_net": 0.0005}
            for day in DAYS
        ],
        "performance": [{"strategy": "long", "days": 400, "mean_active": 0.0005}],
        "capacity": [
            {"strategy": "long", "aum": aum, "net_active": 1e-4 * (8.5 - n)}
            for n, aum in enumerate((1e6, 1e7, 1e8, 1e9))
        ],
        "costs": [{"strategy": "long", "case": "spreads × 2", "net_active": -1e-4}],
        "folds": [{"fold": 2012}, {"fold": 2013, "converged": None}],
    }
    files = files_read()
    for name, rows in tables.items():
        frame(name, rows).write_parquet(place / files[name])
    (place / files["validation_summary"]).write_text(json.dumps(SUMMARY))
    return place


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
