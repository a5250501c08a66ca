"""A hundred tickers from raw files to a verdict, by the real workflow: regimes that pay, or do not."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pytest

from mf_etl.synth import write_archive
from tests.conftest import ROOT
from tests.workflow.conftest import new_project
from tests.workflow.research import settings

pytestmark = [pytest.mark.breadth, pytest.mark.xdist_group("workflow_planted")]

FOLDER = "results/validation_runs/planted_four_hmm_market"
MODEL = {"hmm": {"n_components": 4, "n_restarts": 2}}
ASKED = {"labels": "four_hmm_market", "replications": 999, "last_folds": 3}


def told(folder, pays):
    """The summary of a walk-forward of a market, and its table of outcomes."""
    project = new_project(folder)
    shutil.rmtree(project.folder / "mf_etl")
    (project.folder / "mf_etl").symlink_to(ROOT / "mf_etl")
    shutil.rmtree(project.raw)
    write_archive(project.raw, tickers=100, years=11, seed=7, anomalies=False, pays=pays)
    project.environment = settings("hmm", runs={"four": MODEL}) | settings(
        "validation", runs={"planted": ASKED}
    )
    project.snakemake("--cores", "2", "dataset")
    for target in ("labels.parquet", "summary.json"):
        project.snakemake("--cores", "2", f"{FOLDER}/{target}")
    summary = json.loads((folder / FOLDER / "summary.json").read_text(encoding="utf-8"))
    return summary, pl.read_parquet(folder / FOLDER / "state_outcomes.parquet")


def test_regimes_that_pay_pass(tmp_path):
    summary, outcomes = told(tmp_path / "project", 4.0)
    assert (summary["verdict"], summary["lines"]) == ("pass", [])
    found = outcomes.filter(measure="xs", h=10).filter(pl.col("p_stepdown") < 0.05)
    assert (found["mean"] > 0.002).any() and (found["mean"] < -0.002).any()
    assert summary["findings"]["holds_anything"]


def test_regimes_that_look_different_and_pay_nothing_fail(tmp_path):
    summary, _ = told(tmp_path / "project", 0.0)
    assert summary["verdict"] == "fail" and not summary["findings"]["holds_anything"]
