"""Wrong input to every command: one clear line and exit code 2, before anything runs."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import Command, Done
from tests.workflow.conftest import copy_of

pytestmark = pytest.mark.xdist_group("cli_research")

RAW = "'raw/nasdaq stocks/1/fb.us.txt'"
BRONZE = "data/bronze/ohlcv_by_symbol/exchange=NASDAQ/prefix=F/ticker=FB.US/part-000.parquet"
PLAIN = (
    "show-config", "init-placeholders", "build-symbol-master", "sanity-checks", "silver-sanity",
    "indicators-sanity", "events-sanity", "features-sanity", "status", "doctor", "catalog", "runs",
    "prune",
)  # fmt: skip
ABOVE = {"silver": "bronze", "indicators": "silver", "events": "indicator", "features": "events"}
RUNS = {
    "research-cluster-run": "--method kmeans --n-clusters 3",
    "research-cluster-sweep": "",
    "research-cluster-stability": "--method kmeans --n-clusters 3",
    "research-hmm-run": "--n-components 3",
    "research-hmm-sweep": "",
    "research-hmm-stability": "--n-components 3",
}
CLUSTER = "research-cluster-run --n-clusters 3"


def tables() -> dict[str, str]:
    """Command lines that cannot be, and a part of what is said of each."""
    return {
        **{f"{command} stray": "Got unexpected extra argument" for command in PLAIN},
        **{f"{command} --nonsense": "No such option '--nonsense'" for command in PLAIN},
        "silver-rum": "Did you mean",
        "show-confg": "Did you mean 'show-config'?",
        "--vershion": "Did you mean '--version'?",
        "discover-files --limit 0": "0 is not in the range",
        "discover-files --limit ''": "'' is not a valid integer",
        "list-problem-tickers --limit ten": "'ten' is not a valid integer",
        "list-problem-tickers --only-invalid=yes": "does not take a value",
        **{f"{one}-sample": "Missing option '--file'" for one in ("parse", "validate")},
        **{f"{one}-sample --file nowhere": "does not exist" for one in ("parse", "validate")},
        **{f"{one}-sample --file raw": "is a directory" for one in ("parse", "validate")},
        "parse-sample --file Snakefile/x": "does not exist",
        f"parse-sample --file {'x' * 5000}": "does not exist",
        f"parse-sample --file {RAW} --rows 0": "0 is not in the range",
        "parse-sample --file /proc/self/mem": "cannot be read: Input/output error",
        "validate-sample --file Snakefile": "the file name is no ticker",
        "bronze-one": "say which, by --file alone or by --ticker",
        "bronze-one --file Snakefile": "is not below the raw root raw",
        "bronze-one --file raw": "is a directory",
        "bronze-one --file nowhere.txt": "does not exist",
        "bronze-one --ticker ''": "say which",
        "bronze-one --ticker '*'": "* is in no raw file below raw",
        "bronze-one --ticker FBB.US": "FBB.US is in no raw file below raw; near matches: FB.US",
        f"bronze-one --file {RAW} --ticker FB.US": "say which, by --file alone",
        f"bronze-one --file {RAW} --exchange NYSE": "say which, by --file alone",
        "bronze-run --only-status GONE": "'GONE' is not one of",
        "bronze-run --limit 1e3": "'1e3' is not a valid integer",
        **{f"{layer}-one": "say which, by --ticker or by --" for layer in ABOVE},
        **{f"{layer}-one --ticker FBB.US": "near matches: FB.US" for layer in ABOVE},
        **{f"{layer}-one --{f}-file nowhere": "is no file of " for layer, f in ABOVE.items()},
        **{f"{layer}-one --{f}-file raw": "is no file of " for layer, f in ABOVE.items()},
        **{f"{layer}-one --{f}-file x --ticker FB.US": "say which" for layer, f in ABOVE.items()},
        **{f"{layer}-run --limit 0": "0 is not in the range x>=1" for layer in ABOVE},
        f"silver-one --bronze-file {BRONZE.replace('FB.US', 'FBB.US')}": "near matches: FB.US",
        f"silver-one --bronze-file {BRONZE.replace('=F/', '=Q/')}": "prefix of FB.US is F, not Q",
        f"silver-one --bronze-file {BRONZE.replace('NASDAQ', 'NYSE')}": "not listed on NYSE but on",
        f"silver-one --bronze-file {BRONZE} --exchange NYSE": "--bronze-file alone",
        "silver-one --ticker FB.US --exchange NYSE": "not listed on NYSE but on NASDAQ",
        "silver-run stray": "Got unexpected extra argument",
        "silver-run --limt 1": "Did you mean '--limit'?",
        "silver-run --cores 4": "follow --, as in: mf-etl silver-run -- --cores",
        "silver-run -j4": "mf-etl silver-run -- -j",
        **{f"export-ml-dataset {options}": told for options, told in EXPORTS.items()},
        **{
            f"{command} {usual} {options}": told
            for command, usual in RUNS.items()
            for options, told in OF_EVERY_RUN.items()
        },
        **{f"{CLUSTER} {options}": told for options, told in PREPARATIONS.items()},
        **MODELS,
        **SANITY,
        **{f"synth --seed 1 {options}": told for options, told in SYNTH.items()},
    }


EXPORTS = {
    "--start-date someday": "start_date = 'someday'",
    "--start-date 2024-02-30": "start_date = '2024-02-30'",
    "--start-date ''": "start_date = ''",
    "--end-date 0000-01-01": "end_date = '0000-01-01'",
    "--start-date 2020-01-02 --end-date 2020-01-01": "is after end_date 2020-01-01",
    "--sample-frac 0": "sample_frac = 0.0",
    "--sample-frac nan": "sample_frac = nan",
    "--sample-by dice": "'dice' is not one of",
    "--seed -1": "seed = -1",
    "--symbols-limit 0": "symbols_limit = 0",
    "--tickers ''": "tickers.0 = ''",
    "--tickers FB.US,,IBM.US": "tickers.1 = ''",
    "--tickers FB.US,FBB.US": "unknown ticker: FBB.US; did you mean FB.US?",
    "--exchanges NYES": "unknown exchange: NYES; did you mean NYSE?",
    "--tickers FB.US --exchanges NYSE": "no ticker is on the exchanges asked for",
    "--dataset nowhere": "dataset nowhere is not in the settings; there are: market",
    "--dataset ''": "is not in the settings; there are: market",
    "--dataset markt": "did you mean market?",
    "--dataset market --seed 1": "it takes no other option",
    "--dataset market --name x": "it takes no other option",
    "--name market": "market is a dataset of the settings",
    "--name A/b": "make a name",
    "--name ''": "make a name",
    "--name ../x": "make a name",
    "--name adhoc-x": "names that begin with adhoc",
}

OF_EVERY_RUN = {
    "--dataset markt": "did you mean market?",
    "--dataset nowhere/dataset.parquet": "there is no dataset ",
    "--dataset .": "there is no dataset .",
    "--dataset ./raw": "there is no dataset ",
    "--dataset ./text.parquet": "text.parquet: Parquet ",
    "--dataset ./other.parquet": "no column",
    "--features tmf_22": "near matches: tmf_21",
    "--features fwd_ret_10": "outcomes look ahead",
    "--train-end soon": "train_end",
}

PREPARATIONS = {
    "--dataset ''": "there is no dataset",
    f"--dataset ./{BRONZE}": "no column outcome_end_date",
    "--dataset small{x}": "there is no dataset small{x}",
    "--run-id ''": "make a name",
    "--run-id ../x": "make a name",
    "--run-id 'a b'": "make a name",
    "--run-id a/b": "make a name",
    f"--run-id {'x' * 300}": "make a name",
    "--run-id '{x}'": "make a name",
    "--features ''": "features not in dataset market",
    "--features tmf_21,tmf_21": "asked for more than once: tmf_21",
    "--features tmf_21,flow_bias": "near matches: flow_bias_20",
    "--scaler best": "'best' is not one of",
    "--clip-zscore nan": "clip_zscore",
    "--train-share 1": "train_share",
    "--train-end 9999-12-31": "leaves no day to test on",
    "--train-end 2010-01-01 --test-start 2009-01-01": "is not after train_end",
    "--split-mode none --train-end 2010-01-01": "need split_mode time",
    "--covariance-type full": "not taken by kmeans",
    "--n-init 0": "n_init",
}

MODELS = {
    "research-cluster-run": "the settings name no such run",
    "research-cluster-run --run-id named": "named is not in research_clustering.runs",
    "research-cluster-run --method kmeans": "kmeans needs n_clusters",
    "research-cluster-run --method hdbscan --n-clusters 3": "not taken by hdbscan",
    "research-cluster-run --method trees": "'trees' is not one of",
    "research-cluster-run --n-clusters 2,3": "n_clusters = '2,3'",
    "research-cluster-run --n-clusters ''": "n_clusters = ''",
    "research-cluster-sweep --methods trees": "methods.0 = 'trees'",
    "research-cluster-sweep --n-clusters 5-2": "n_clusters.0 = '5-2'",
    "research-cluster-sweep --n-clusters 2-100000000": "n_clusters.0 = '2-100000000'",
    "research-cluster-stability --n-clusters 3 --seeds 1": "seeds = '1'",
    "research-hmm-run --n-components many": "n_components = 'many'",
    "research-hmm-run --n-components 0": "n_components = '0'",
    "research-hmm-run --cluster-labels-file nowhere.parquet": "nowhere.parquet",
    "research-hmm-run --cluster-labels-file ./raw": "raw",
    "research-hmm-run --cluster-labels-file ''": "there is no such clustering",
    "research-hmm-sweep --components ''": "components.0 = ''",
    "research-hmm-sweep --components 4,x": "components.1 = 'x'",
}

SANITY = {
    **{
        f"research-{kind}-sanity{options}": told
        for kind in ("cluster", "hmm")
        for options, told in {
            "": "Missing option '--run-dir'",
            " --run-dir nowhere": "does not exist",
            " --run-dir Snakefile": "is a file",
            " --run-dir raw": "raw/run_summary.json: is not there",
            " --run-dir broken": "broken/run_summary.json: Expecting property name",
            " --run-dir other": "is not there; is other the folder of a finished run?",
        }.items()
    },
    "research-hmm-decode --run-dir raw --dataset market": "is not a run below",
    "research-hmm-decode --run-dir raw --dataset markt": "did you mean market?",
}

SYNTH = {
    "--years 1 --out o": "Missing option '--tickers'",
    "--tickers 0 --years 1 --out o": "0 is not in the range",
    "--tickers 1 --years nan --out o": "it must be more than 0",
    "--tickers 1 --years 1 --out Snakefile": "is a file; name a folder",
    "--tickers 1 --years 1 --out raw": "no synthetic archive left there",
}

LINES = tables()


@pytest.fixture(scope="module")
def told(research_template, tmp_path_factory) -> dict[str, Done]:
    """What each line says, in a project whose dataset is there; nothing is built meanwhile."""
    folder = tmp_path_factory.mktemp("cli") / "wrong"
    mf_etl = Command(copy_of(research_template, folder, links=True))
    mf_etl.path("text.parquet").write_text("no such thing")
    pl.DataFrame({"a": [1]}).write_parquet(mf_etl.path("other.parquet"))
    for name, text in (("broken", "{"), ("other", "[]")):
        mf_etl.path(name).mkdir()
        mf_etl.path(name, "run_summary.json").write_text(text)
    before = files(folder)
    found = dict(zip(LINES, mf_etl.each([*map(shlex.split, LINES)]), strict=True))
    assert files(folder) == before, "something was written"
    shutil.rmtree(folder)
    return found


def files(folder: Path) -> list[Path]:
    below = (path for path in folder.rglob("*") if ".cache" not in path.parts)
    return sorted(path for path in below if "__pycache__" not in path.parts)


@pytest.mark.parametrize("line", LINES)
def test_wrong_usage_is_one_line_and_exit_code_2(told, line):
    done = told[line]
    assert done.code == 2 and done.out == "", done
    head = ("Usage: ", "Try 'mf-etl ")
    lines = [x for x in done.err.splitlines() if x and not x.startswith(head)]
    assert len(lines) == 1 and lines[0].startswith("Error: "), done.err
    assert LINES[line] in lines[0]


NAMED = {
    "MF_ETL_RESEARCH_HMM": json.dumps(
        {
            "runs": {
                "own": {},
                "all": {"preparation": {"fit_on": "all"}},
                "one": {"hmm": {"n_components": 1}},
            },
            "sweeps": {"grid": {}},
        }
    ),
    "MF_ETL_RESEARCH_CLUSTERING": json.dumps({"runs": {"two": {"clustering": {"n_clusters": 2}}}}),
}


@pytest.mark.parametrize(
    "options, line",
    [
        ("--labels nowhere", "there is no run nowhere; the settings name: two_kmeans_market, "),
        ("--labels own_hmm_markt", "did you mean own_hmm_market?"),
        ("--labels raw/x", "is not a run below"),
        ("--labels own_hmm_market --column hindsight_hmm_state", "later days in sight"),
        ("--labels own_hmm_market --column close", "has no labels close; it has hindsight_hmm_st"),
        ("--labels all_hmm_market", "train and test overlap"),
        ("--labels one_hmm_market", "has one state: there is nothing to hold it against"),
        ("--labels grid_hmm_sweep_market", "no single run but a hmm_sweep"),
        ("--labels two_kmeans_market --select-k 2,3", "which a kmeans has not"),
        ("--labels own_hmm_market --h 3", "h 3 is none of the horizons"),
        ("--labels own_hmm_market --horizons 1,7", "7 is not among the horizons"),
        ("--labels own_hmm_market --last-folds 0", "last_folds = '0'"),
        ("--aum 1e6", "--labels says which run is validated"),
        ("", "the settings name no validation"),
        ("--run-id none", "none is not in research_validation.runs"),
    ],
)
def test_what_cannot_be_validated_is_one_line_and_exit_code_2(mf_etl, options, line):
    done = mf_etl("research-validate", *options.split(), code=2, **NAMED)
    assert line in done.err
    assert not mf_etl.path("results/validation_runs/own_hmm_market").exists()
