"""Command lines that run as they stand, in a built project; each is looked at by what it left.

A suite of its own (`make test-commands`): each goes through both doors, `mf-etl` and
`python -m mf_etl.cli`.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import EXECUTABLE, MODULE, Command
from tests.conftest import once_a_run
from tests.workflow.conftest import copy_of
from tests.workflow.research import research_project

pytestmark = pytest.mark.commands
LAYERS = pytest.mark.xdist_group("cli_lines_of_layers")
RESEARCH = pytest.mark.xdist_group("cli_lines_of_research")

PART = "exchange=NASDAQ/prefix=A/ticker=AAPL.US/part-000.parquet"
BRONZE = f"data/bronze/ohlcv_by_symbol/{PART}"
SILVER = f"data/silver/base_series_by_symbol/{PART}"
INDICATORS = f"data/silver/indicators_by_symbol/{PART}"
EVENTS = f"data/gold/events_by_symbol/{PART}"
FEATURES = f"data/gold/features_by_symbol/{PART}"
DATASETS = "data/gold/datasets/ml_dataset_v1"
CLUSTERS = "results/research_runs"
MODELS = "results/hmm_runs"
SPLIT = "--split-mode time --train-end 2010-12-31"

# A line, and what must be there after it: a pattern of files. DATASET is an absolute path.
LINES = {
    "show-config": "config/config.yaml",
    "init-placeholders": "logs/etl.log",
    "bronze-run --dry-run": "data/bronze/manifests/file_manifest.parquet",
    "bronze-run --limit 10": BRONZE,
    "bronze-run": BRONZE,
    "build-symbol-master": "data/bronze/symbol_master/symbol_master.parquet",
    "sanity-checks": "results/bronze_qa/*sanity*summary*.json",
    "list-problem-tickers --limit 50": "results/bronze_qa/*problem*.csv",
    "list-problem-tickers --only-invalid": "results/bronze_qa/*problem*.csv",
    "silver-one --ticker AAPL.US": SILVER,
    f"silver-one --bronze-file /abs/{BRONZE}": SILVER,
    "silver-run --limit 10": SILVER,
    "silver-run": SILVER,
    "silver-sanity": "results/silver_qa/*.json",
    "indicators-one --ticker AAPL.US": INDICATORS,
    f"indicators-one --silver-file /abs/{SILVER}": INDICATORS,
    "indicators-run --limit 10": INDICATORS,
    "indicators-run": INDICATORS,
    "indicators-sanity": "results/indicator*_qa/*.json",
    "events-one --ticker AAPL.US": EVENTS,
    f"events-one --indicator-file /abs/{INDICATORS}": EVENTS,
    "events-run --limit 10": EVENTS,
    "events-run": EVENTS,
    "events-sanity": "results/gold_event_qa/*.json",
    "features-one --ticker AAPL.US": FEATURES,
    f"features-one --events-file /abs/{EVENTS}": FEATURES,
    "features-run --limit 10": FEATURES,
    "features-run": FEATURES,
    "features-sanity": "results/gold_feature_qa/*.json",
    "export-ml-dataset --symbols-limit 10": f"{DATASETS}/adhoc-first-10-*/dataset.parquet",
    "export-ml-dataset --symbols-limit 10 --start-date 2010-01-04 --end-date 2011-12-30": (
        f"{DATASETS}/adhoc-first-10-from-2010-01-04-to-2011-12-30-*/dataset.parquet"
    ),
    "export-ml-dataset --symbols-limit 10 --sample-frac 0.5": (
        f"{DATASETS}/adhoc-first-10-0.5-of-tickers-*/dataset.parquet"
    ),
    "research-cluster-run --dataset DATASET --method kmeans --n-clusters 5": (
        f"{CLUSTERS}/*_kmeans_*/clustered_dataset.parquet"
    ),
    "research-cluster-run --dataset DATASET --method gmm --n-clusters 5": (
        f"{CLUSTERS}/*_gmm_*/clustered_dataset.parquet"
    ),
    f"research-cluster-run --dataset DATASET --method kmeans --n-clusters 5 {SPLIT}": (
        f"{CLUSTERS}/*_kmeans_*/cluster_profile_test.csv"
    ),
    "research-cluster-run --dataset DATASET --method kmeans --n-clusters 5 "
    "--scaling-scope per_ticker": f"{CLUSTERS}/*_kmeans_*/scaler_params.parquet",
    "research-cluster-sweep --dataset DATASET": f"{CLUSTERS}/*_cluster_sweep_summary.csv",
    "research-cluster-stability --dataset DATASET --method kmeans --n-clusters 5 --seeds 10": (
        f"{CLUSTERS}/*_cluster_stability_*/stability_summary.json"
    ),
    "research-cluster-sanity --run-dir /abs/CLUSTER_RUN": f"{CLUSTERS}/*/run_summary.json",
    "research-hmm-run --dataset DATASET --n-components 5": f"{MODELS}/*_hmm_*/decoded_rows.parquet",
    f"research-hmm-run --dataset DATASET --n-components 5 {SPLIT} --scaling-scope per_ticker": (
        f"{MODELS}/*_hmm_*/hmm_model_meta.json"
    ),
    "research-hmm-sanity --run-dir /abs/HMM_RUN": f"{MODELS}/*/run_summary.json",
    "research-hmm-sweep --dataset DATASET --components 4,5,6,8": (
        f"{MODELS}/*_hmm_sweep_*/hmm_sweep_summary.csv"
    ),
    "research-hmm-stability --dataset DATASET --n-components 5 --seeds 5": (
        f"{MODELS}/*_hmm_stability_*/hmm_stability_summary.json"
    ),
}


@pytest.fixture(scope="module")
def mf_etl(tmp_path_factory) -> Command:
    """A built project with a dataset of few years, and a copy of it outside of the project."""

    def build(folder: Path) -> None:
        project = research_project(folder)
        project.snakemake("--cores", "2", "qa", "all")
        Command(project)("export-ml-dataset", "--name", "small", "--start-date", "2009-06-01")

    folder = tmp_path_factory.mktemp("cli")
    built = once_a_run(tmp_path_factory, "lines_template", build)
    command = Command(copy_of(built, folder / "lines", links=True))
    shutil.copytree(command.path(DATASETS, "small"), folder / "elsewhere")
    return command


def words_of(line: str, mf_etl: Command, place: int) -> list[str]:
    """The words of a line; datasets are one of the project and one from elsewhere, in turn."""
    own = mf_etl.path(DATASETS, "small", "dataset.parquet")
    dataset = own if place % 2 else mf_etl.path().parent / "elsewhere" / "dataset.parquet"
    line = line.replace("DATASET", shlex.quote(str(dataset)))
    for name, pattern in (
        ("/abs/CLUSTER_RUN", f"{CLUSTERS}/*_kmeans_*"),
        ("/abs/HMM_RUN", f"{MODELS}/*_hmm_*"),
    ):
        if name in line:
            runs = (p for p in mf_etl.path().glob(pattern) if (p / "run_summary.json").exists())
            line = line.replace(name, shlex.quote(str(next(runs))))
    return shlex.split(line.replace("/abs/", f"{mf_etl.path()}/"))


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(place, id=line, marks=RESEARCH if line.startswith("research") else LAYERS)
        for place, line in enumerate(LINES)
    ],
)
def test_a_line_runs_and_leaves_its_files(mf_etl, place):
    line, pattern = list(LINES.items())[place]
    words = words_of(line, mf_etl, place)
    for door in (EXECUTABLE, MODULE):
        done = mf_etl(*words, door=door)
        assert done.out or done.err
        found = sorted(mf_etl.path().glob(pattern))
        assert found, f"{line} left no {pattern}"
        for path in found:
            look_into(path)


def look_into(path: Path) -> None:
    if path.suffix == ".parquet":
        assert pl.read_parquet(path, glob=False).height > 0
    elif path.suffix == ".json":
        assert json.loads(path.read_text())
    elif path.suffix == ".csv":
        assert pl.read_csv(path, glob=False).width > 0
    else:
        assert path.is_file()


@LAYERS
def test_a_file_from_elsewhere_is_known_by_its_content(mf_etl):
    elsewhere = mf_etl.path().parent / "elsewhere" / "dataset.parquet"
    words = ["research-cluster-run", "--dataset", str(elsewhere), "--n-clusters", "2"]
    folder = mf_etl(*words).out.splitlines()[-1]
    summary = mf_etl.path(folder) / "run_summary.json"
    assert "adhoc-file_elsewhere-" in folder and json.loads(summary.read_text())["rows"] > 1500
    os.utime(elsewhere, (1, 1))
    assert "Nothing to be done" in mf_etl(*words).err
    os.utime(elsewhere)
    assert "Nothing to be done" in mf_etl(*words).err
    whole = elsewhere.read_bytes()
    try:
        pl.read_parquet(elsewhere).head(1500).write_parquet(elsewhere)
        done = mf_etl(*words)
        assert "prepared_matrix 1" in done.err
        assert 1400 < json.loads(summary.read_text())["rows"] <= 1500
    finally:
        elsewhere.write_bytes(whole)


@LAYERS
def test_what_cannot_be_of_a_file_from_elsewhere(mf_etl):
    elsewhere = mf_etl.path().parent / "elsewhere" / "dataset.parquet"
    run = ("research-cluster-run", "--n-clusters", "5", "--dataset", str(elsewhere))
    late = shlex.split("--split-mode time --train-end 2030-12-31")
    assert "the test period, from 2031-01-01 to 2013-" in mf_etl(*run, *late, code=2).err
    assert "near matches: tmf_21" in mf_etl(*run, "--features", "tmf_22", code=2).err
    assert "did you mean small?" in mf_etl(*run[:-1], "smal", code=2).err


@LAYERS
def test_results_may_lie_in_artifacts(mf_etl):
    """The folder of the first version: everything is there, nothing goes to another."""
    split = {"split_mode": "time", "train_end": "2010-12-31", "predict_on": "all"}
    common = {"dataset": "small", "preparation": split | {"features": ["tmf_21", "delta_flow_20"]}}
    clustering = {"runs": {"a": common | {"clustering": {"n_clusters": 2, "n_init": 1}}}}
    labels = {"cluster_labels_file": "a_kmeans_small"}
    hmm = {"runs": {"a": common | labels | {"hmm": {"n_components": 2, "n_restarts": 1}}}}
    variables = {
        "MF_ETL_PATHS__RESULTS_ROOT": "artifacts",
        "MF_ETL_RESEARCH_CLUSTERING": json.dumps(clustering),
        "MF_ETL_RESEARCH_HMM": json.dumps(hmm),
    }
    before = sorted(mf_etl.path("results").rglob("*"))
    mf_etl.project.environment = variables
    try:
        mf_etl.project.snakemake("--cores", "2")
    finally:
        mf_etl.project.environment = {}
    for pattern in (
        "bronze_qa/bronze_sanity_summary.json",
        "gold_feature_qa/*.json",
        "qa/verdict.json",
        "run_history/*.json",
        "research_runs/a_kmeans_small/cluster_profile_test.csv",
        "hmm_runs/a_hmm_small/hmm_vs_cluster_metrics.json",
    ):
        assert list(mf_etl.path("artifacts").glob(pattern)), pattern
    assert "artifacts/hmm_runs/a_hmm_small" in mf_etl("runs", **variables).out
    run = str(mf_etl.path("artifacts/hmm_runs/a_hmm_small"))
    assert "2 labels" in mf_etl("research-hmm-sanity", "--run-dir", run, **variables).out
    assert "artifacts/bronze_qa" in mf_etl("sanity-checks", **variables).out
    assert sorted(mf_etl.path("results").rglob("*")) == before
