"""Clusterings as targets of the real workflow."""

from __future__ import annotations

import json
import shutil
from functools import partial

import polars as pl
import pytest
import yaml

from mf_etl.research.runs.catalog import PERIODS, RUN, STABILITY
from tests.workflow.conftest import copy_of
from tests.workflow.research import (
    FEATURES,
    SPLIT,
    files,
    jobs,
    preparation,
    settings,
)

pytestmark = pytest.mark.xdist_group("workflow_clustering")

broad = partial(pytest.param, marks=pytest.mark.breadth)
ROOT = "results/research_runs"
PLAIN = {"preparation": preparation(split_mode="none")}
QUICK = {"n_init": 2, "silhouette_rows": 500}
RUNS = settings(
    "clustering",
    runs={
        "four": {"clustering": {"n_clusters": 4, **QUICK}, "preparation": preparation(**SPLIT)},
        "mix": {"clustering": {"method": "gmm", "n_clusters": 3, "silhouette_rows": 500}, **PLAIN},
    },
)


def sweep(*numbers: int, methods=("kmeans",)) -> dict[str, str]:
    asked = {"n_clusters": numbers, "methods": methods, "clustering": QUICK, **PLAIN}
    return settings("clustering", sweeps={"k": asked})


def study(seeds: int) -> dict[str, str]:
    clustering = {"n_clusters": 3, "n_init": 1, "silhouette_rows": 500}
    return settings(
        "clustering", stability={"s": {"clustering": clustering, "seeds": seeds, **PLAIN}}
    )


@pytest.fixture(scope="module")
def project(research_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clustering") / "project"
    return copy_of(research_template, folder, links=True)


@pytest.mark.breadth
def test_named_runs_have_every_file_and_are_done_once(project, monkeypatch):
    monkeypatch.setattr(project, "environment", RUNS)
    done = jobs(project.snakemake("--cores", "2", "clustering"))
    assert (done["clustering_run"], done["clustering_periods"]) == (2, 1)
    four = project.folder / ROOT / "four_kmeans_market"
    expected = {*RUN["clustering"].values(), *PERIODS.values(), "spec.yaml"}
    assert set(files(four)) == expected
    mix = project.folder / ROOT / "mix_gmm_market"
    assert set(files(mix)) == {*RUN["clustering"].values(), "spec.yaml"}
    spec = yaml.safe_load((four / "spec.yaml").read_text())
    assert spec["kind"] == "clustering_run" and spec["preparation"]["features"] == FEATURES
    clusters = pl.read_parquet(four / "clustered_dataset.parquet")
    last = clusters.group_by("period").agg(pl.max("trade_date").cast(pl.String)).rows()
    assert dict(last)["train"] == "2008-12-31" < dict(last)["test"]
    assert "Nothing to be done" in project.snakemake("--dry-run", "clustering")


@pytest.mark.breadth
def test_a_plain_build_makes_the_runs_of_the_settings_too(project, monkeypatch):
    monkeypatch.setattr(project, "environment", RUNS)
    project.snakemake("--cores", "2")
    assert "Nothing to be done" in project.snakemake("--cores", "2")
    lost = project.folder / ROOT / "mix_gmm_market" / "model.npz"
    before = lost.read_bytes()
    lost.unlink()
    done = jobs(project.snakemake("--cores", "2"))
    beside_pages = {rule: count for rule, count in done.items() if not rule.startswith("report_")}
    assert beside_pages == {"clustering_run": 1} and lost.read_bytes() == before


@pytest.mark.breadth
def test_a_run_has_the_same_bytes_at_1_and_4_cores(project, monkeypatch):
    monkeypatch.setattr(project, "environment", RUNS)
    project.snakemake("--cores", "4", "clustering")
    root = project.folder / ROOT
    four = files(root)
    shutil.rmtree(root)
    shutil.rmtree(project.folder / "data" / "gold" / "prepared")
    project.snakemake("--cores", "1", "clustering")
    assert files(root) == four


@pytest.mark.breadth
def test_a_changed_option_does_that_run_again_and_no_other(project, monkeypatch):
    monkeypatch.setattr(project, "environment", RUNS)
    project.snakemake("--cores", "2", "clustering")
    changed = json.loads(RUNS["MF_ETL_RESEARCH_CLUSTERING"])
    changed["runs"]["four"]["clustering"]["n_init"] = 3
    monkeypatch.setattr(project, "environment", settings("clustering", **changed))
    done = jobs(project.snakemake("--cores", "2", "clustering"))
    assert done == {"run_spec": 1, "clustering_run": 1, "clustering_periods": 1}
    monkeypatch.setattr(project, "environment", RUNS)
    project.snakemake("--cores", "2", "clustering")


@pytest.mark.breadth
def test_a_run_by_a_specification_in_its_folder(project):
    folder = project.folder / ROOT / "mine_kmeans_market"
    folder.mkdir(parents=True)
    asked = {
        "kind": "clustering_run",
        "preparation": preparation(),
        "clustering": {"n_clusters": 2, **QUICK},
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump(asked))
    target = f"{ROOT}/mine_kmeans_market/run_summary.json"
    assert jobs(project.snakemake("--cores", "2", target))["clustering_run"] == 1
    assert json.loads((folder / "run_summary.json").read_text())["clusters_found"] == 2
    assert "Nothing to be done" in project.snakemake("--dry-run", target)


@pytest.mark.breadth
def test_a_grown_sweep_runs_its_new_cell_only(project, monkeypatch):
    monkeypatch.setattr(project, "environment", sweep(2, 3))
    assert jobs(project.snakemake("--cores", "2", "clustering"))["clustering_cell"] == 2
    monkeypatch.setattr(project, "environment", sweep(2, 3, 5))
    done = jobs(project.snakemake("--cores", "2", "clustering"))
    assert done == {"run_spec": 1, "clustering_cell": 1, "clustering_sweep": 1}
    table = pl.read_csv(project.folder / ROOT / "k_cluster_sweep_summary.csv")
    assert table["n_clusters"].to_list() == [2, 3, 5]
    assert (project.folder / ROOT / "k_cluster_sweep_silhouette.svg").exists()


@pytest.mark.breadth
def test_a_cell_that_cannot_be_done_is_a_row(project, monkeypatch):
    monkeypatch.setattr(project, "environment", sweep(2, 900, methods=("kmeans", "gmm")))
    few = {"n_clusters": [2, 900], "clustering": {"max_fit_rows": 100, **QUICK}, **PLAIN}
    monkeypatch.setattr(project, "environment", settings("clustering", sweeps={"few": few}))
    console = project.snakemake("--cores", "2", "clustering")
    assert "Traceback" not in console
    table = pl.read_csv(project.folder / ROOT / "few_cluster_sweep_summary.csv")
    failed = table.filter(status="failed")
    assert failed.height > 0 and failed["error"].str.contains("rows").all()


@pytest.mark.breadth
def test_a_study_that_was_stopped_goes_on(project, monkeypatch):
    monkeypatch.setattr(project, "environment", study(3))
    assert jobs(project.snakemake("--cores", "2", "clustering"))["clustering_seed"] == 3
    folder = project.folder / ROOT / "s_cluster_stability_market"
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert names == {*STABILITY["clustering"].values(), "spec.yaml"}
    before = files(folder)
    shutil.rmtree(folder / "seeds" / "1")
    (folder / "stability_summary.json").unlink()
    done = jobs(project.snakemake("--cores", "2", "clustering"))
    assert done == {"clustering_seed": 1, "clustering_stability": 1}
    assert files(folder) == before
    monkeypatch.setattr(project, "environment", study(4))
    done = jobs(project.snakemake("--cores", "2", "clustering"))
    assert done == {"run_spec": 1, "clustering_seed": 1, "clustering_stability": 1}


@pytest.mark.parametrize(
    "change, line",
    [
        broad({"dataset": "elsewhere"}, "dataset elsewhere is not in the settings"),
        broad(
            {"preparation": preparation(features=["tmf_21", "fwd_ret_10"])}, "outcomes look ahead"
        ),
        broad({"preparation": preparation(features=["tmf_22"])}, "near matches: tmf_21, tmf_abs"),
        (
            {"preparation": preparation(split_mode="time", train_end="1990-01-01")},
            "1990-01-01",
        ),
        broad(
            {"clustering": {"n_clusters": 3, "covariance_type": "full"}}, "is not taken by kmeans"
        ),
        broad({"clustering": {"method": "gmm"}}, "gmm needs n_clusters"),
        broad({"clustering": {"n_clusters": 1000, "max_fit_rows": 100}}, "rows"),
    ],
)
def test_what_cannot_be_done_gets_one_line(project, monkeypatch, change, line):
    asked = {"clustering": {"n_clusters": 3, **QUICK}, **PLAIN} | change
    monkeypatch.setattr(project, "environment", settings("clustering", runs={"bad": asked}))
    console = project.snakemake("--cores", "2", "clustering", succeeds=False)
    assert line in console and "Traceback" not in console


def test_a_run_that_nobody_has_asked_for(project):
    target = f"{ROOT}/nobody_kmeans_market/run_summary.json"
    console = project.snakemake("--cores", "1", target, succeeds=False)
    assert "run nobody_kmeans_market is not in the settings" in console
    assert "Traceback" not in console
