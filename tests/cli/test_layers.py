"""Commands that build layers, through the real executable."""

from __future__ import annotations

import shutil

import polars as pl
import pytest

pytestmark = pytest.mark.xdist_group("cli_layers")

RAW = "raw/nasdaq stocks/3/zvalues.us.txt"
MANIFEST = ("data", "bronze", "manifests", "file_manifest_current.parquet")
STABLE = ("data", "bronze", "manifests", "file_manifest.parquet")
STEPS = {
    "silver": ("silver/base_series_by_symbol", "--bronze-file", "bronze/ohlcv_by_symbol"),
    "indicators": (
        "silver/indicators_by_symbol",
        "--silver-file",
        "silver/base_series_by_symbol",
    ),
    "events": ("gold/events_by_symbol", "--indicator-file", "silver/indicators_by_symbol"),
    "features": ("gold/features_by_symbol", "--events-file", "gold/events_by_symbol"),
}


@pytest.fixture(autouse=True)
def nothing_built(mf_etl):
    for folder in ("data", "results", "logs", ".snakemake"):
        shutil.rmtree(mf_etl.path(folder), ignore_errors=True)


def file(dataset: str, ticker: str) -> str:
    return f"data/{dataset}/exchange=NASDAQ/prefix={ticker[0]}/ticker={ticker}/part-000.parquet"


def tickers_of(mf_etl, dataset: str) -> set[str]:
    return {p.parent.name for p in mf_etl.path("data", dataset).glob("*/*/*/part-000.parquet")}


def test_bronze_of_one_raw_file_says_what_it_rejected(mf_etl):
    done = mf_etl("bronze-one", "--file", RAW)
    path = file("bronze/ohlcv_by_symbol", "ZVALUES.US")
    assert path in done.out
    valid = pl.read_parquet(mf_etl.path(path), hive_partitioning=False).height
    rejects = mf_etl.path(file("bronze/rejects_by_symbol", "ZVALUES.US"))
    rejected = pl.read_parquet(rejects, hive_partitioning=False).height
    assert rejected > 0 and f"{valid} valid rows, {rejected} rejected" in done.out
    assert tickers_of(mf_etl, "bronze/ohlcv_by_symbol") == {"ticker=ZVALUES.US"}


@pytest.mark.commands
@pytest.mark.parametrize("step", STEPS)
def test_one_ticker_by_name_and_by_the_file_above(mf_etl, step):
    dataset, option, above = STEPS[step]
    done = mf_etl(f"{step}-one", "--ticker", "fb.us")
    path = file(dataset, "FB.US")
    assert mf_etl.path(path).exists() and path in done.out
    assert tickers_of(mf_etl, dataset) == {"ticker=FB.US"}
    again = mf_etl(f"{step}-one", option, file(above, "FB.US"))
    assert path in again.out and "Nothing to be done" in again.err
    absolute = str(mf_etl.path(file(above, "FB.US")))
    assert path in mf_etl(f"{step}-one", option, absolute).out


@pytest.mark.commands
def test_every_ticker_and_a_limit(mf_etl):
    mf_etl("silver-run", "--limit", "1")
    assert tickers_of(mf_etl, "silver/base_series_by_symbol") == {"ticker=FB.US"}
    mf_etl("silver-run")
    assert len(tickers_of(mf_etl, "silver/base_series_by_symbol")) == 3
    assert "Nothing to be done" in mf_etl("silver-run").err


@pytest.mark.parametrize(
    "step",
    [
        "features",
        *(pytest.param(step, marks=pytest.mark.commands) for step in STEPS if step != "features"),
    ],
)
def test_every_layer_has_a_command_for_all_tickers(mf_etl, step):
    mf_etl(f"{step}-run", "--limit", "2")
    assert len(tickers_of(mf_etl, STEPS[step][0])) == 2


@pytest.mark.commands
def test_full_does_that_layer_again_and_what_is_asked_below_it_not(mf_etl):
    mf_etl("events-run")
    done = mf_etl("events-run", "--full")
    assert "Built" in done.err and "gold_events 3" in done.err
    assert "silver_indicators 3" not in done.err.partition("Up to date")[0]


def test_what_follows_the_dashes_goes_to_snakemake(mf_etl):
    done = mf_etl("silver-run", "--", "--dry-run", "--cores", "2")
    assert "dry-run" in done.out + done.err
    assert not mf_etl.path("data", "silver").exists()


@pytest.mark.commands
def test_only_a_full_run_promotes_the_manifest(mf_etl):
    done = mf_etl("bronze-run", "--dry-run")
    assert "NEW" in done.out and mf_etl.path(*MANIFEST).exists()
    assert not mf_etl.path("data", "bronze", "ohlcv_by_symbol").exists()
    mf_etl("bronze-run", "--limit", "1")
    mf_etl("bronze-run", "--only-status", "NEW")
    assert not mf_etl.path(*STABLE).exists()
    assert len(tickers_of(mf_etl, "bronze/ohlcv_by_symbol")) == 3
    mf_etl("bronze-run")
    assert mf_etl.path(*STABLE).exists()
    assert "No raw file is NEW" in mf_etl("bronze-run", "--only-status", "NEW").out


@pytest.mark.commands
def test_only_changed_files_are_built_when_only_these_are_asked_for(mf_etl):
    mf_etl("bronze-run")
    raw = mf_etl.path(RAW)
    before = raw.read_bytes()
    try:
        raw.write_bytes(before + b"ZVALUES.US,D,20240110,000000,10,11,9,10.5,1000,0\n")
        done = mf_etl("bronze-run", "--only-status", "changed")
        assert "bronze_ohlcv 1" in done.err
        # The stable manifest is that of the full run: the file stays changed until the next.
        assert "CHANGED" in mf_etl("bronze-run", "--dry-run").out
        done = mf_etl("bronze-run")
        assert "CHANGED" not in mf_etl("bronze-run", "--dry-run").out.replace("UNCHANGED", "")
    finally:
        raw.write_bytes(before)


@pytest.mark.commands
def test_a_ticker_on_two_exchanges_needs_one(mf_etl):
    twin = mf_etl.path("raw", "nyse stocks", "fb.us.txt")
    twin.parent.mkdir(parents=True)
    shutil.copy(mf_etl.path("raw", "nasdaq stocks", "1", "fb.us.txt"), twin)
    try:
        done = mf_etl("features-one", "--ticker", "FB.US", code=2)
        assert "FB.US is listed on NASDAQ and NYSE; add --exchange NASDAQ" in done.err
        done = mf_etl("bronze-one", "--ticker", "FB.US", "--exchange", "nyse")
        assert "exchange=NYSE/prefix=F/ticker=FB.US" in done.out
    finally:
        shutil.rmtree(twin.parent)


def test_a_raw_root_that_is_not_there_or_empty(mf_etl):
    done = mf_etl("silver-run", code=2, MF_ETL_PATHS__RAW_ROOT="nowhere")
    assert "raw root nowhere is not a folder; set paths.raw_root" in done.err
    mf_etl.path("hollow").mkdir(exist_ok=True)
    done = mf_etl("silver-run", code=2, MF_ETL_PATHS__RAW_ROOT="hollow")
    assert "no raw file below hollow" in done.err


def test_a_job_that_fails_is_exit_code_1(mf_etl):
    raw = mf_etl.path(RAW)
    kept = raw.read_bytes()
    raw.unlink()
    raw.symlink_to("/proc/self/mem")  # a file that opens and cannot be read
    try:
        done = mf_etl("silver-run", code=1)
        assert "Failed: 1" in done.err and "cannot be read" in done.err
        assert len(tickers_of(mf_etl, "silver/base_series_by_symbol")) == 2
    finally:
        raw.unlink()
        raw.write_bytes(kept)
