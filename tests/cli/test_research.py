"""Research commands, through the real executable."""

from __future__ import annotations

import json

import polars as pl
import pytest

from tests.cli.conftest import Command, readme_examples
from tests.workflow.conftest import copy_of
from tests.workflow.research import FEATURES, jobs

pytestmark = pytest.mark.xdist_group("cli_research")

ONE_JOB = ("--features", ",".join(FEATURES), "--split-mode", "none")
KMEANS = ("--method", "kmeans", "--n-init", "1", "--silhouette-rows", "500", *ONE_JOB)
FEW = ("--last-folds", "2", "--replications", "199")
HMM = ("--n-iter", "10", "--n-restarts", "1", "--start-rows", "1000", *ONE_JOB)


@pytest.fixture(scope="module")
def mf_etl(research_template, tmp_path_factory) -> Command:
    folder = tmp_path_factory.mktemp("cli") / "research"
    return Command(copy_of(research_template, folder, links=True))


@pytest.mark.commands
def test_a_clustering_of_options_is_the_same_run_each_time(mf_etl):
    options = (
        "research-cluster-run", "--dataset", "market", "--n-clusters", "3", *KMEANS[:-2],
        "--train-end", "2008-12-31",
    )  # fmt: skip
    done = mf_etl(*options)
    folder = next(mf_etl.path("results/research_runs").glob("adhoc-*_kmeans_market"))
    assert folder.name in done.out and "silhouette" in done.out
    assert (folder / "cluster_profile_test.csv").exists()
    assert "Nothing to be done" in mf_etl(*options).err
    target = f"results/research_runs/{folder.name}/run_summary.json"
    assert "Nothing to be done" in mf_etl.project.snakemake("--cores", "1", target)
    done = mf_etl("research-cluster-sanity", "--run-dir", str(folder))
    assert all(f"cluster_id {i}: " in done.out for i in range(3))
    assert "most rows are in" in done.out


@pytest.mark.commands
def test_a_sweep_grows(mf_etl):
    options = ("research-cluster-sweep", *KMEANS, "--n-clusters")
    assert jobs(mf_etl(*options, "2-3").err)["clustering_cell"] == 2
    done = mf_etl(*options, "2-4")
    assert jobs(done.err)["clustering_cell"] == 1
    assert "silhouette" in done.out and "_cluster_sweep_summary.csv" in done.out
    assert "has spent the test" in done.out.replace("\n", " ")


@pytest.mark.commands
def test_a_stability_study(mf_etl):
    options = ("--n-clusters", "2", "--seeds", "2", "--seed-start", "5", *KMEANS)
    done = mf_etl("research-cluster-stability", *options, "--run-id", "steady")
    assert "mean_ari" in done.out
    folder = mf_etl.path("results/research_runs/steady_cluster_stability_market")
    assert json.loads((folder / "stability_summary.json").read_text())["seeds"] == [5, 6]


@pytest.mark.commands
def test_hidden_markov_models(mf_etl):
    done = mf_etl("research-hmm-run", "--n-components", "2", "--run-id", "two", *HMM)
    folder = mf_etl.path("results/hmm_runs/two_hmm_market")
    assert "converged" in done.out and str(folder.name) in done.out
    line = next(x for x in mf_etl("runs").out.splitlines() if folder.name in x)
    assert "hmm_run" in line and "done" in line and "2 states, log-likelihood a row" in line
    done = mf_etl("research-hmm-sanity", "--run-dir", str(folder))
    assert (
        "probability to stay (filtered, all): 0: " in done.out and "by filtered label" in done.out
    )

    options = ("--start-date", "2005-01-03", "--end-date", "2009-12-31")
    out = mf_etl("export-ml-dataset", *options).out
    dataset = next(word for word in out.split() if word.startswith("adhoc-"))
    done = mf_etl("research-hmm-decode", "--run-dir", str(folder), "--dataset", dataset)
    decoded = pl.read_parquet(mf_etl.path(done.out.strip().splitlines()[-1]))
    assert set(decoded["hmm_state"].unique()) <= {0, 1}


@pytest.mark.commands
def test_hidden_markov_models_compared(mf_etl):
    mf_etl("research-hmm-sweep", "--components", "1,2", *HMM)
    mf_etl("research-hmm-stability", "--n-components", "2", "--seeds", "2", *HMM)


@pytest.mark.commands
def test_runs_of_the_settings_by_name(mf_etl):
    runs = {"named": {"clustering": {"n_clusters": 2, "n_init": 1, "silhouette_rows": 500}}}
    environment = {"MF_ETL_RESEARCH_CLUSTERING": json.dumps({"runs": runs})}
    mf_etl("research-cluster-run", "--run-id", "named", **environment)
    assert "Nothing to be done" in mf_etl("research-cluster-run", **environment).err
    done = mf_etl(
        "research-cluster-run", "--run-id", "named", "--n-clusters", "3", code=2, **environment
    )
    assert "named is a run of the settings" in done.err


@pytest.mark.commands
def test_sanity_finds_what_is_missing_and_what_is_null(mf_etl):
    folder = mf_etl.path("results", "research_runs", "broken")
    done = mf_etl("research-cluster-sanity", "--run-dir", str(folder), code=2)
    assert "does not exist" in done.err
    folder.mkdir(parents=True)
    done = mf_etl("research-cluster-sanity", "--run-dir", str(folder), code=2)
    assert "run_summary.json: is not there" in done.err
    mf_etl("research-cluster-run", "--n-clusters", "2", "--run-id", "whole", *KMEANS)
    whole = mf_etl.path("results/research_runs/whole_kmeans_market")
    profile = pl.read_parquet(whole / "cluster_profile.parquet")
    profile = profile.with_columns(fwd_ret_10_mean=pl.lit(None, pl.Float64))
    profile.write_parquet(whole / "cluster_profile.parquet")
    done = mf_etl("research-cluster-sanity", "--run-dir", str(whole), code=1)
    assert "problem: view cluster period all cluster_id 0: fwd_ret_10_mean is null" in done.err


EXAMPLES = [words for words in readme_examples() if words[0].startswith("research-")]


@pytest.mark.commands
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda words: words[0])
def test_the_examples_of_the_readme_run(mf_etl, example):
    if "--run-dir" in example:
        example = [*example[:-1], "results/hmm_runs/example_hmm_market"]
        mf_etl("research-hmm-run", "--n-components", "2", "--run-id", "example", *HMM)
    if "--labels" in example:
        example = [*example[:-1], "example_hmm_market", *FEW]
        mf_etl("research-hmm-run", "--n-components", "2", "--run-id", "example", *HMM)
    done = mf_etl(*example)
    if "--labels" in example:
        folder = next(mf_etl.path("results/validation_runs").glob("adhoc-*_example_hmm_market"))
        assert "undecided: too few stocks for a market" in done.out
        assert "holds nothing" in done.out and "not advice" in done.out
        told = mf_etl("research-validate-sanity", "--run-dir", str(folder))
        assert "  2013: fitted on" in told.out
        assert "undecided" in mf_etl("runs").out
        assert "Nothing to be done" in mf_etl(*example).err


def test_the_readme_has_examples():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize(
    ("dates", "line"),
    [
        (["--train-end", "2030-12-31"], "the test period, from 2031-01-01 to "),
        (["--test-end", "1990-12-31"], "the test period, from "),
        (["--train-end", "1990-12-31"], "the train period, to 1990-12-31, has no day of"),
    ],
)
def test_dates_that_leave_a_side_empty_are_told_with_the_range_there_is(mf_etl, dates, line):
    done = mf_etl("research-hmm-run", "--n-components", "2", *dates, code=2)
    assert line in done.err and "dataset market, which goes from" in done.err


@pytest.mark.commands
def test_dates_of_the_settings_are_looked_at_too(mf_etl):
    preparation = {"split_mode": "time", "train_end": "2030-01-01", "predict_on": "all"}
    runs = {"runs": {"late": {"dataset": "market", "preparation": preparation}}}
    variables = {"MF_ETL_RESEARCH_HMM": json.dumps(runs)}
    done = mf_etl("research-hmm-run", code=2, **variables)
    assert "the test period" in done.err and "dataset market, which goes from" in done.err
    told = mf_etl.project
    told.environment = variables
    try:
        text = told.snakemake("--cores", "1", "hmm", succeeds=False)
    finally:
        told.environment = {}
    assert "leaves no day to test on" in text and "the dataset covers" in text
