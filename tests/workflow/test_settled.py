"""Plans that leave settled tickers out do what whole plans do."""

from __future__ import annotations

import os

import pytest

from tests.workflow.conftest import LAYERS

pytestmark = pytest.mark.xdist_group("workflow_settled")

WHOLE = ("--config", "planning__skip_settled=false")


@pytest.fixture(scope="module")
def project(built):
    return built


def test_forced_runs_get_the_whole_plan(project):
    assert project.planned("--forceall") == dict.fromkeys(LAYERS, 3)
    assert project.planned("--forcerun", "gold_features") == {"gold_features": 3}
    (project.folder / project.file("gold/features_by_symbol", "FB.US")).unlink()
    assert project.planned() == project.planned(*WHOLE) == {"gold_features": 1}
    project.snakemake("--cores", "2")


@pytest.mark.parametrize(
    ("dataset", "change"),
    [
        ("silver/base_series_by_symbol", "touch"),
        ("bronze/ohlcv_by_symbol", "remove"),
        ("gold/events_by_symbol", "write"),
        ("bronze/rejects_by_symbol", "remove"),
    ],
)
def test_whatever_happens_to_a_file_both_plans_agree(project, dataset, change):
    path = project.folder / project.file(dataset, "FB.US")
    if change == "touch":
        os.utime(path)
    elif change == "write":
        path.write_bytes(path.read_bytes())
    else:
        path.unlink()
    assert project.planned() == project.planned(*WHOLE)
    project.snakemake("--cores", "2")
    assert project.planned() == project.planned(*WHOLE) == {}


def test_a_plan_of_some_layers_settles_no_ticker(project):
    """Bronze is up to date under the new setting, the layers below are not."""
    changed = ("--config", "event_grammar__hold_consecutive_bars=7")
    project.snakemake("--cores", "2", "bronze", *changed)
    assert project.planned("features", *changed) == {"gold_events": 3, "gold_features": 3}
    assert project.planned() == {}


def test_a_ticker_that_failed_is_not_settled(project):
    """One ticker fails, the others are built, the next run takes the one up again."""
    before = project.data()
    script = project.folder / "scripts" / "gold_events.py"
    text = script.read_text()
    script.write_text(
        text.replace(
            "    events = event_series(",
            '    if "FB.US" in str(gold_events):\n        raise OSError("no space")\n'
            "    events = event_series(",
        )
    )
    printed = project.snakemake("--cores", "2", succeeds=False)
    assert "FB.US" in printed and "no space" in printed and "Traceback" not in printed
    log = project.folder / "logs" / "gold_events" / "NASDAQ" / "F" / "FB.US.log"
    assert "Traceback" in log.read_text() and str(log.relative_to(project.folder)) in printed
    assert project.planned() == {"gold_events": 1, "gold_features": 1}
    script.write_text(text)
    project.snakemake("--cores", "2")
    assert project.data() == before
