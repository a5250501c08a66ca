"""Datasets as targets of the real workflow."""

from __future__ import annotations

import json

import polars as pl
import pytest

from tests.workflow.conftest import copy_of

pytestmark = pytest.mark.xdist_group("workflow_dataset")

FOLDER = "data/gold/datasets/ml_dataset_v1"
RECENT = '{"recent": {"start_date": "2012-09-01", "tickers": ["FB.US"]}}'


@pytest.fixture(scope="module")
def project(template, tmp_path_factory):
    return copy_of(template, tmp_path_factory.mktemp("dataset") / "project", links=True)


def read(project, name: str) -> pl.DataFrame:
    return pl.read_parquet(project.folder / FOLDER / name / "dataset.parquet")


def test_the_dataset_of_the_default_settings_holds_every_ready_row(project):
    market = read(project, "market")
    features = pl.read_parquet(
        project.folder / project.file("gold/features_by_symbol", "FB.US"), hive_partitioning=False
    )
    ready = features.filter(pl.col("tmf_21").is_not_null())
    assert market.filter(ticker="FB.US")["trade_date"].equals(ready["trade_date"])
    metadata = json.loads((project.folder / FOLDER / "market" / "metadata.json").read_text())
    assert metadata["rows"] == market.height
    assert "Nothing to be done" in project.snakemake("--dry-run", "dataset")


def test_the_market_is_a_file_of_its_own_over_the_whole_universe(project):
    market = pl.read_parquet(project.folder / "data/gold/market/equal_weight.parquet")
    dataset = read(project, "market")
    assert market.columns == ["trade_date", "h", "names", "mean", "mean_shumway"]
    assert set(dataset["trade_date"]) <= set(market["trade_date"])
    assert set(dataset["instrument"]) == {"stock"}
    # A handful of tickers is no market: there is no mean, and nothing over it.
    assert market["names"].max() < 20 and market["mean"].null_count() == market.height
    assert dataset["fwd_xs_10"].null_count() == dataset.height > dataset["fwd_oo_10"].null_count()
    metadata = json.loads((project.folder / FOLDER / "market" / "metadata.json").read_text())
    assert metadata["delisting"]["series"] >= dataset["ticker"].n_unique()
    assert "Nothing to be done" in project.snakemake("--dry-run", "market")


@pytest.mark.breadth
def test_a_named_dataset_has_the_outcomes_of_the_full_one(project, monkeypatch):
    monkeypatch.setattr(project, "environment", {"MF_ETL_DATASETS": RECENT})
    project.snakemake("--cores", "2", "dataset")
    recent, market = read(project, "recent"), read(project, "market")
    assert 0 < recent.height < market.height
    assert recent.equals(market.join(recent, on=["ticker", "trade_date"], how="semi"))


def test_a_dataset_that_nobody_has_named_gets_one_line(project):
    console = project.snakemake(
        "--cores", "1", f"{FOLDER}/elsewhere/dataset.parquet", succeeds=False
    )
    assert "mf_etl: dataset elsewhere is not in the settings" in console
    assert "there are: market" in console and "Traceback" not in console


def test_an_empty_dataset_is_refused(project, monkeypatch):
    empty = '{"none": {"start_date": "2099-01-01"}}'
    monkeypatch.setattr(project, "environment", {"MF_ETL_DATASETS": empty})
    console = project.snakemake("--cores", "1", "dataset", succeeds=False)
    assert "ml_dataset none: " in console and "Traceback" not in console
    assert not (project.folder / FOLDER / "none" / "dataset.parquet").exists()
