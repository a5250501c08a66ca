"""Validations as targets of the real workflow: a small synthetic market, refitted year by year."""

from __future__ import annotations

import json
import re
import shutil

import polars as pl
import pyarrow.parquet as pq
import pytest

from mf_etl.research.validation.catalog import VALIDATION
from mf_etl.schemas.validation_tables import VALIDATION_TABLES
from mf_etl.synth import write_archive
from tests.conftest import ROOT
from tests.workflow.conftest import Project, new_project
from tests.workflow.research import files, jobs, preparation, settings

pytestmark = [pytest.mark.breadth, pytest.mark.xdist_group("workflow_validation")]

RUN = "few_two_kmeans_market"
FOLDER = f"results/validation_runs/{RUN}"
MODEL = {
    "clustering": {"n_clusters": 2, "n_init": 1, "silhouette_rows": 500},
    "preparation": preparation(),
}
FEW = {"labels": "two_kmeans_market", "horizons": [5, 10], "replications": 199, "last_folds": 2}
MIXTURE = {
    "clustering": {"method": "gmm", "n_clusters": 4, "n_init": 1, "silhouette_rows": 500},
    "preparation": preparation(features=["tmf_21", "delta_flow_20"]),
}
CHOSEN = FEW | {"labels": "mix_gmm_market", "select_k": [2, 3], "last_folds": 1}
VALIDATIONS = {"few": FEW, "seen": FEW | {"in_sample": True}, "chosen": CHOSEN}
ENVIRONMENT = (
    settings("clustering", runs={"two": MODEL, "mix": MIXTURE})
    | settings("validation", runs=VALIDATIONS)
    | {"MF_ETL_MARKET__MIN_NAMES": "5", "MF_ETL_RESEARCH_VALIDATION__MIN_NAMES": "5"}
)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A walk forward over fourteen tickers and seven years, of which the last two are tested.

    It is stopped twice, at a border and within the folds, and goes on each time.
    """
    project = new_project(tmp_path_factory.mktemp("validation") / "project")
    shutil.rmtree(project.folder / "mf_etl")
    (project.folder / "mf_etl").symlink_to(ROOT / "mf_etl")
    shutil.rmtree(project.raw)
    write_archive(project.raw, tickers=14, years=7.3, seed=3)
    project.environment = ENVIRONMENT
    project.snakemake("--cores", "2", "dataset")
    project.snakemake("--cores", "2", f"{FOLDER}/borders.json")
    first = project.snakemake("--dry-run", f"{FOLDER}/labels.parquet")
    assert "validation_labels" in first
    text = project.snakemake("--dry-run", f"{FOLDER}/folds.parquet")
    run = next(
        word.strip(",") for word in text.split() if "fold-2024" in word and "run_summary" in word
    )
    assert jobs(project.snakemake("--cores", "2", run))["clustering_run"] == 1
    assert len(folds(project)) == 1
    done = jobs(project.snakemake("--cores", "2", *targets()))
    assert done["clustering_run"] == 1 and done["validation_summary"] == 1
    assert len(folds(project)) == 2
    return project


def folds(project: Project) -> list[str]:
    """Folders of the runs of folds."""
    return sorted(path.name for path in (project.folder / "results/research_runs").glob("fold-*"))


def test_every_file_is_there(project):
    there = {file for own in VALIDATION.values() for file in own.values() if "{" not in file}
    assert there <= {path.name for path in (project.folder / FOLDER).iterdir()}
    assert (project.folder / FOLDER / "fold=2024" / "spec.yaml").exists()
    for name, (table, rule) in VALIDATION_TABLES.items():
        if rule in VALIDATION:
            found = pl.read_parquet(project.folder / FOLDER / VALIDATION[rule][name])
            assert found.schema == table.schema(), name
    again = project.snakemake("--cores", "2", *targets())
    assert jobs(again) == {}


def targets() -> list[str]:
    return [
        f"{FOLDER}/{file}"
        for own in VALIDATION.values()
        for file in own.values()
        if "{" not in file
    ]


def test_what_it_tells(project):
    folder = project.folder / FOLDER
    told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert told["verdict"] in ("fail", "warn", "pass") and told["folds"] == 2
    table = pl.read_parquet(folder / "folds.parquet")
    assert table.get_column("fold").to_list() == [2024, 2025]
    for row in table.to_dicts():
        assert row["train_last"] < row["test_first"] and row["test_first"].year == row["fold"]
    labels = pl.read_parquet(folder / "labels.parquet")
    assert labels.height == table.get_column("test_rows").sum()
    assert labels.filter(pl.col("trade_date").dt.year() != pl.col("fold")).is_empty()
    first = labels.group_by("ticker", "exchange", "fold", maintain_order=True).first()
    assert first.get_column("changed").null_count() == first.height
    assert set(first.get_column("run_length")) == {1}
    outcomes = pl.read_parquet(folder / "state_outcomes.parquet")
    assert set(outcomes.get_column("h")) == {5, 10}
    placebo = pl.read_parquet(folder / "placebo.parquet")
    assert placebo.height > 100 and placebo.item(0, "shift") == 0
    assert any("not advice" in note for note in told["notes"])
    assert told["trials"]["own"] == 2 * 2 * 2


def test_labels_of_a_year_are_those_of_its_own_fit(project):
    rows = pl.read_parquet(project.folder / FOLDER / "labels.parquet")
    matching = pl.read_parquet(project.folder / FOLDER / "matching.parquet")
    for folder in folds(project):
        year = int(folder.split("-")[1])
        own = pl.read_parquet(
            project.folder / "results/research_runs" / folder / "clustered_dataset.parquet"
        )
        numbers = matching.filter(fold=year).select(pl.col("label").alias("cluster_id"), "state")
        expected = own.filter(period="test").join(numbers, on="cluster_id", maintain_order="left")
        keys = ["ticker", "exchange", "trade_date"]
        got = rows.filter(fold=year).select(*keys, "state")
        assert got.equals(expected.select(*keys, "state").sort(keys))


def test_the_same_bytes_at_one_core_and_two(project):
    before = files(project.folder / FOLDER)
    shutil.rmtree(project.folder / FOLDER)
    for folder in folds(project):
        shutil.rmtree(project.folder / "results/research_runs" / folder)
    project.snakemake("--cores", "1", *targets())
    after = files(project.folder / FOLDER)
    assert [name for name in before if before[name] != after.get(name)] == []


def test_an_option_is_a_reason_for_the_steps_that_read_it_alone(project, monkeypatch):
    more = settings("validation", runs={"few": FEW | {"aum": 1e6}})
    monkeypatch.setattr(project, "environment", ENVIRONMENT | more)
    text = project.snakemake("--dry-run", *targets())
    assert "validation_portfolio" in text and "validation_trials" in text
    for name in ("validation_labels", "validation_sums", "validation_outcomes", "clustering_run"):
        assert name not in text


def test_in_sample_says_so_in_every_file(project):
    folder = "results/validation_runs/seen_two_kmeans_market"
    asked = [target.replace(FOLDER, folder) for target in targets()]
    project.snakemake("--cores", "2", *asked)
    for path in (project.folder / folder).iterdir():
        if path.suffix == ".parquet":
            note = pq.read_metadata(path).metadata[b"note"]
            assert note.startswith(b"IN-SAMPLE"), path
        elif path.suffix == ".json":
            assert path.read_text(encoding="utf-8").split('"')[3].startswith("IN-SAMPLE"), path
        elif path.suffix == ".svg":
            words = " ".join(re.sub(r"<[^>]+>", " ", path.read_text(encoding="utf-8")).split())
            assert "in sample: proves nothing" in words, path
        else:
            text = path.read_text(encoding="utf-8")
            assert "IN-SAMPLE" in text or "in_sample: true" in text, path
    told = json.loads((project.folder / folder / "summary.json").read_text(encoding="utf-8"))
    assert told["verdict"] == "undecided"


def test_the_number_of_states_is_chosen_inside_each_fold(project):
    folder = project.folder / "results/validation_runs/chosen_mix_gmm_market"
    project.snakemake("--cores", "2", f"{folder.relative_to(project.folder)}/folds.parquet")
    assert {"k=2.json", "k=3.json"} <= {path.name for path in (folder / "fold=2025").iterdir()}
    told = json.loads((folder / "fold=2025" / "states.json").read_text(encoding="utf-8"))
    assert [one["states"] for one in told["tried"]] == [2, 3] and told["chosen"] in (2, 3)
    folds = pl.read_parquet(folder / "folds.parquet")
    assert folds.item(0, "n_components") == told["chosen"]


def test_a_refit_is_a_target_of_its_own(project):
    refit = f"{FOLDER}/refits/draw=3.json"
    project.snakemake("--cores", "2", refit)
    told = json.loads((project.folder / refit).read_text(encoding="utf-8"))
    assert told["draw"] == 3 and 1 < told["tickers"] < 14 and 0 < told["ari"] <= 1
    assert "refits" not in project.snakemake("--dry-run", *targets())
