"""Hidden Markov models as targets of the real workflow."""

from __future__ import annotations

import json
import shutil
from functools import partial

import polars as pl
import pytest
import yaml

from mf_etl.research.runs.catalog import CLUSTERS as CLUSTER_FILES
from mf_etl.research.runs.catalog import RUN as RUN_FILES
from mf_etl.research.runs.catalog import STABILITY
from tests.workflow.conftest import copy_of
from tests.workflow.research import SPLIT, files, jobs, preparation, settings

pytestmark = pytest.mark.xdist_group("workflow_hmm")

broad = partial(pytest.param, marks=pytest.mark.breadth)
ROOT = "results/hmm_runs"
CLUSTERS = "results/research_runs/two_kmeans_market/clustered_dataset.parquet"
QUICK = {"n_iter": 15, "n_restarts": 2, "start_rows": 1000}
PLAIN = {"preparation": preparation()}
RUN = {
    "hmm": {"n_components": 3, **QUICK},
    "preparation": preparation(**SPLIT, predict_on="all"),
    "cluster_labels_file": CLUSTERS,
}
TWO = {"clustering": {"n_clusters": 2, "n_init": 1, "silhouette_rows": 500}, **PLAIN}
RUNS = settings("hmm", runs={"three": RUN}) | settings("clustering", runs={"two": TWO})


@pytest.fixture(scope="module")
def project(research_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hmm") / "project"
    project = copy_of(research_template, folder, links=True)
    project.environment = {"MF_ETL_DATASETS": json.dumps(DATASETS)}
    project.snakemake("--cores", "2", "dataset")
    return project


DATASETS = {
    "market": {},
    "early": {"end_date": "2010-12-31"},
    "rows": {"sample_frac": 0.5, "sample_by": "row"},
}


def using(project, monkeypatch, *environments: dict[str, str]) -> None:
    environment = {"MF_ETL_DATASETS": json.dumps(DATASETS)}
    for each in environments:
        environment |= each
    monkeypatch.setattr(project, "environment", environment)


def test_a_named_run_has_every_file_and_is_done_once(project, monkeypatch):
    using(project, monkeypatch, RUNS)
    done = jobs(project.snakemake("--cores", "2", "hmm"))
    assert (done["hmm_run"], done["hmm_vs_cluster"], done["clustering_run"]) == (1, 1, 1)
    folder = project.folder / ROOT / "three_hmm_market"
    assert set(files(folder)) == {
        *RUN_FILES["hmm"].values(),
        *CLUSTER_FILES.values(),
        "spec.yaml",
    }
    decoded = pl.read_parquet(folder / "decoded_rows.parquet")
    assert set(decoded["hmm_state"].unique()) == {0, 1, 2}
    profile = pl.read_parquet(folder / "hmm_state_profile.parquet")
    assert profile.select("view", "period").unique().height == 4
    assert profile.filter(view="filtered", period="train")["delta_flow_20_mean"].is_sorted()
    summary = json.loads((folder / "run_summary.json").read_text())
    assert summary["log_likelihood_per_row"]["test"] is not None
    assert any("chosen with the whole sequence in sight" in n for n in summary["notes"])
    assert "Nothing to be done" in project.snakemake("--dry-run", "hmm")


@pytest.mark.breadth
def test_a_run_has_the_same_bytes_at_1_and_4_cores(project, monkeypatch):
    using(project, monkeypatch, RUNS)
    project.snakemake("--cores", "4", "hmm")
    four = files(project.folder / ROOT)
    shutil.rmtree(project.folder / ROOT)
    project.snakemake("--cores", "1", "hmm")
    assert files(project.folder / ROOT) == four


@pytest.mark.breadth
def test_a_grown_sweep_runs_its_new_cell_only(project, monkeypatch):
    def sweep(*numbers):
        return settings("hmm", sweeps={"k": {"components": numbers, "hmm": QUICK, **PLAIN}})

    using(project, monkeypatch, sweep(1, 2))
    assert jobs(project.snakemake("--cores", "2", "hmm"))["hmm_cell"] == 2
    using(project, monkeypatch, sweep(1, 2, 3))
    done = jobs(project.snakemake("--cores", "2", "hmm"))
    assert done == {"run_spec": 1, "hmm_cell": 1, "hmm_sweep": 1}
    folder = project.folder / ROOT / "k_hmm_sweep_market"
    table = pl.read_csv(folder / "hmm_sweep_summary.csv")
    assert table["n_components"].to_list() == [1, 2, 3]
    assert table["log_likelihood_per_row"].is_sorted()


@pytest.mark.breadth
def test_a_study_that_was_stopped_goes_on(project, monkeypatch):
    asked = {"hmm": {"n_components": 2, **QUICK}, "seeds": 3, **PLAIN}
    using(project, monkeypatch, settings("hmm", stability={"s": asked}))
    assert jobs(project.snakemake("--cores", "2", "hmm"))["hmm_seed"] == 3
    folder = project.folder / ROOT / "s_hmm_stability_market"
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert names == {*STABILITY["hmm"].values(), "spec.yaml"}
    before = files(folder)
    shutil.rmtree(folder / "seeds" / "2")
    (folder / "hmm_stability_summary.json").unlink()
    done = jobs(project.snakemake("--cores", "2", "hmm"))
    assert done == {"hmm_seed": 1, "hmm_stability": 1} and files(folder) == before


@pytest.mark.breadth
def test_a_saved_model_decodes_another_dataset_without_a_fit(project, monkeypatch):
    using(project, monkeypatch, RUNS)
    project.snakemake("--cores", "2", "hmm")
    target = f"{ROOT}/three_hmm_market/decoded/early/decoded_rows.parquet"
    done = jobs(project.snakemake("--cores", "2", target))
    assert "hmm_run" not in done and done["hmm_decode"] == 1
    early = pl.read_parquet(project.folder / target)
    whole = pl.read_parquet(project.folder / ROOT / "three_hmm_market" / "decoded_rows.parquet")
    keys = ["ticker", "trade_date"]
    same = early.join(whole, on=keys, suffix="_whole")
    assert same.height == early.height > 1000
    # What was known on the day does not rest on the days that only the whole dataset has.
    for name in ("hmm_state", "hmm_p_0", "hmm_run_length", "hmm_transition_code", "period"):
        assert same[name].equals(same[f"{name}_whole"]), name


@pytest.mark.parametrize(
    "change, line",
    [
        broad({"dataset": "rows"}, "a sample of single rows; export it with sample_by ticker"),
        broad(
            {"hmm": {"n_components": 2, "min_sequence_length": 10**6}}, "lower min_sequence_length"
        ),
        broad({"hmm": {"n_components": 0}}, "n_components"),
        broad({"preparation": preparation(features=["tmf_22"])}, "near matches: tmf_21, tmf_abs"),
        ({"cluster_labels_file": "nowhere.parquet"}, "nowhere.parquet"),
    ],
)
def test_what_cannot_be_done_gets_one_line(project, monkeypatch, change, line):
    asked = {"hmm": {"n_components": 2, **QUICK}, **PLAIN} | change
    using(project, monkeypatch, settings("hmm", runs={"bad": asked}))
    console = project.snakemake("--cores", "2", "hmm", succeeds=False)
    assert line in console and "Traceback" not in console


@pytest.mark.breadth
def test_a_run_by_a_specification_in_its_folder(project):
    folder = project.folder / ROOT / "mine_hmm_market"
    folder.mkdir(parents=True)
    asked = {"kind": "hmm_run", "preparation": preparation(), "hmm": {"n_components": 2, **QUICK}}
    (folder / "spec.yaml").write_text(yaml.safe_dump(asked))
    target = f"{ROOT}/mine_hmm_market/run_summary.json"
    assert jobs(project.snakemake("--cores", "2", target))["hmm_run"] == 1
    (folder / "spec.yaml").write_text(yaml.safe_dump(asked | {"kind": "tree"}))
    console = project.snakemake("--cores", "2", target, succeeds=False)
    assert "`kind:` with one of clustering_run" in console and "Traceback" not in console
