"""`mf-etl` and `snakemake` lead to the same files and the same record of what is up to date."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml

from mf_etl.catalog import LAYERS
from mf_etl.database import connect

pytestmark = pytest.mark.xdist_group("cli_doors")


@pytest.mark.commands
def test_a_command_after_snakemake_does_nothing(built):
    assert "Nothing to be done" in built("features-run").err
    assert "Nothing to be done" in built("sanity-checks").err


def test_snakemake_after_a_command_does_nothing(built):
    place = built.project.file("gold/features_by_symbol", "FB.US")
    built.path(place).unlink()
    done = built("features-run")
    assert "gold_features 1" in done.err
    assert "Nothing to be done" in built.project.snakemake("--cores", "2", "features")


@pytest.mark.commands
def test_status_tells_what_would_run_and_why(built):
    built.project.snakemake("--cores", "2")  # other tests have built features alone
    everything = json.loads(built("status", "--json").out)
    assert everything["steps"] == {}
    assert "Everything is up to date" in built("status").out

    why = json.loads(
        built("status", "--json", MF_ETL_EVENT_GRAMMAR__HOLD_CONSECUTIVE_BARS="6").out
    )["steps"]
    assert why["gold_events"] == {"setting event_grammar.hold_consecutive_bars": 3}
    assert why["gold_features"] == {"input rebuilt": 3}
    assert not {"bronze_ohlcv", "silver_base", "silver_indicators"} & set(why)

    place = built.path(built.project.file("silver/base_series_by_symbol", "FB.US"))
    away = place.rename(place.with_suffix(".away"))
    try:
        why = json.loads(built("status", "--json").out)["steps"]
        assert why["silver_base"] == {"missing": 1} and "bronze_ohlcv" not in why
    finally:
        away.rename(place)

    raw = built.path("raw", "nasdaq stocks", "1", "fb.us.txt")
    before = raw.read_bytes()
    new = raw.with_name("new.us.txt")
    try:
        raw.write_bytes(before.replace(b"1000", b"1001"))
        new.write_bytes(before.replace(b"FB.US", b"NEW.US"))
        told = json.loads(built("status", "--json").out)
        assert told["steps"]["bronze_ohlcv"] == {"changed": 1, "new": 1}
        assert told["up_to_date"]["bronze_ohlcv"] == 2
        assert "changed 1: FB.US; new 1: NEW.US" in " ".join(built("status").out.split())
    finally:
        raw.write_bytes(before)
        new.unlink()


def test_status_names_the_step_whose_code_is_another(built):
    code = built.path("mf_etl", "gold", "events.py")
    before = code.read_text()
    try:
        code.write_text(before + "\nANOTHER = 1\n")
        why = json.loads(built("status", "--json").out)["steps"]
    finally:
        code.write_text(before)
    assert why["gold_events"] == {"code of gold_events": 3}


def test_a_status_that_cannot_be_told_says_why(built):
    broken = built.path("rules", "gold.smk")
    before = broken.read_text()
    try:
        broken.write_text(before + "\nrule gold_features:\n    output: 'twice'\n")
        done = built("status", code=1)
    finally:
        broken.write_text(before)
    assert "gold_features" in done.err and "there is no plan" in done.err


@pytest.mark.commands
def test_status_is_not_what_builds(built):
    before = sorted(built.path("data").rglob("*"))
    built("status", MF_ETL_EVENT_GRAMMAR__HOLD_CONSECUTIVE_BARS="6")
    assert sorted(built.path("data").rglob("*")) == before


@pytest.mark.commands
def test_sanity_and_tables(built):
    for layer in ("silver", "indicators", "events", "features"):
        done = built(f"{layer}-sanity")
        assert "missing_tickers" in done.out and "_sanity_summary.json" in done.out
    assert "rejected_share" in built("sanity-checks").out
    assert "NASDAQ" in built("build-symbol-master").out


@pytest.mark.commands
def test_sanity_fails_as_the_settings_say(built):
    done = built("sanity-checks", code=1, MF_ETL_QA__FAIL_ON="warn")
    assert "empty_share" in done.out
    built("sanity-checks")


@pytest.mark.commands
def test_problem_tickers_are_listed_worst_first(built):
    everything = built("list-problem-tickers").out
    assert "ZVALUES.US" in everything and "ZEMPTY.US" in everything
    assert "FB.US" not in everything
    row = next(line for line in everything.splitlines() if line.startswith("ZVALUES.US"))
    assert "nonpositive_price" in row and "ohlc_outside_hl" in row
    assert "ZEMPTY.US" not in built("list-problem-tickers", "--only-invalid").out
    limited = built("list-problem-tickers", "--limit", "1").out
    first = pl.read_csv(built.path("results/bronze_qa/problem_tickers.csv"))["ticker"][0]
    assert first in limited and limited.count(".US") == 1


@pytest.mark.commands
def test_a_dataset_of_options_is_the_same_target_each_time(built):
    options = ("export-ml-dataset", "--start-date", "2012-09-01", "--tickers", "FB.US")
    done = built(*options)
    name = next(built.path("data/gold/datasets/ml_dataset_v1").glob("adhoc-*")).name
    assert name in done.out
    frame = pl.read_parquet(built.path("data/gold/datasets/ml_dataset_v1", name, "dataset.parquet"))
    assert str(frame["trade_date"].min()) >= "2012-09-01" and f"{frame.height}" in done.out
    request = built.path("data/gold/datasets/ml_dataset_v1", name, "request.yaml")
    assert yaml.safe_load(request.read_text())["start_date"] == "2012-09-01"
    assert "Nothing to be done" in built(*options).err
    target = f"data/gold/datasets/ml_dataset_v1/{name}/dataset.parquet"
    assert "Nothing to be done" in built.project.snakemake("--cores", "1", target)


@pytest.mark.commands
def test_an_empty_dataset_fails_with_one_line(built):
    done = built("export-ml-dataset", "--start-date", "2099-01-01", code=1)
    assert "no row" in done.err


@pytest.mark.commands
def test_prune_lists_and_deletes(built):
    place = built.path(built.project.file("silver/base_series_by_symbol", "GONE.US"))
    place.parent.mkdir(parents=True)
    place.write_bytes(b"")
    assert "GONE.US" in built("prune").out and place.exists()
    assert "1 orphan files deleted" in built("prune", "--delete").out
    assert not place.exists()


def test_catalog_has_a_view_for_all_that_is_there(built):
    done = built("catalog")
    assert "data/mf_etl.duckdb" in done.out
    with connect(built.path("data", "mf_etl.duckdb")) as database:
        for view in ("bronze", "silver_base", "indicators", "events", "features", "quality"):
            assert database.sql(f"select count(*) from {view}").fetchall()[0][0] > 0
        rows = database.sql("select count(*) from features where ticker = 'FB.US'").fetchall()[0][0]
        assert (
            rows
            == database.sql("select rows_valid from quality where ticker = 'FB.US'").fetchall()[0][
                0
            ]
        )
        assert database.sql("select count(*) from symbol_master").fetchall()[0][0] == 3
        assert database.sql("select count(*) from datasets.market").fetchall()[0][0] > 0
        columns = database.sql("select * from silver_base limit 0").columns
        assert "ticker" in columns and "prefix" not in columns
        with pytest.raises(duckdb.Error):
            database.execute("create table t (x int)")


@pytest.mark.commands
def test_the_catalog_holds_where_its_folder_is_moved_to(built, tmp_path, monkeypatch):
    """Also beside another project, whose files have the same names."""
    built("catalog")
    home = tmp_path / "some[o]ne's"
    home.mkdir()
    shutil.copytree(built.path("data"), home / "data")
    lost = next(home.glob("data/gold/features_by_symbol/*/*/ticker=FB.US/*.parquet"))
    pl.read_parquet(lost, glob=False).head(7).write_parquet(lost)
    count = "select count(*) from features where ticker = 'FB.US'"
    monkeypatch.chdir(home)
    with duckdb.connect("data/mf_etl.duckdb", read_only=True) as database:
        assert database.sql(count).fetchall() == [(7,)]
    for other in (Path("/"), built.path(), tmp_path):
        monkeypatch.chdir(other)
        with connect(home / "data" / "mf_etl.duckdb") as database:
            assert database.sql(count).fetchall() == [(7,)]
            assert database.sql("select count(*) from symbol_master").fetchall() == [(3,)]
    hidden = built.path("data").rename(built.path("away"))
    try:
        with (
            connect(built.path("away", "mf_etl.duckdb")) as database,
            pytest.raises(duckdb.IOException),
        ):
            database.sql("select * from features")
    finally:
        hidden.rename(built.path("data"))


def test_every_layer_has_its_line_in_status(built):
    out = built("status").out
    assert all(layer in out for layer in LAYERS)


@pytest.mark.commands
def test_a_dataset_of_a_name_and_its_csv(built):
    out = built("export-ml-dataset", "--name", "mine", "--csv", "--tickers", "fb.us").out
    folder = built.path("data/gold/datasets/ml_dataset_v1/mine")
    frame = pl.read_parquet(folder / "dataset.parquet")
    assert f"{folder.relative_to(built.path())}/dataset.csv" in out
    text = (folder / "dataset.csv").read_text().splitlines()
    assert len(text) == frame.height + 1 and text[0] == ",".join(frame.columns)
    assert (
        "Nothing to be done"
        in built("export-ml-dataset", "--name", "mine", "--csv", "--tickers", "FB.US").err
    )
    target = "data/gold/datasets/ml_dataset_v1/market/dataset.csv"
    built.project.snakemake("--cores", "1", target)
    assert built.path(target).exists()


@pytest.mark.commands
def test_a_target_that_cannot_be_is_one_line_with_near_matches(built):
    told = built.project.snakemake("--cores", "1", "featurs", succeeds=False)
    assert "mf_etl: featurs is no target; near matches: features" in told
    place = built.project.file("gold/features_by_symbl", "FB.US")
    near = built.project.file("gold/features_by_symbol", "FB.US")
    told = built.project.snakemake("--cores", "1", place, succeeds=False)
    assert f"{place} is no target; near matches: {near}" in told
    told = built.project.snakemake("--cores", "1", "fb.us", succeeds=False)
    assert f"fb.us is a ticker; its files are targets: {near}" in told


def test_the_doctor_finds_nothing_broken_then_what_is(built):
    out = built("doctor").out
    assert "gold_features" in out and "3 of 3 tickers" in out and "broken" not in out
    place = built.path(built.project.file("silver/base_series_by_symbol", "FB.US"))
    whole = place.read_bytes()
    try:
        place.write_bytes(whole[:-5])
        done = built("doctor", code=1)
    finally:
        place.write_bytes(whole)
    assert str(place.relative_to(built.path())) in done.out and "is cut short" in done.out
    assert f"snakemake --cores 1 --force {place.relative_to(built.path())}" in done.err
    done = built("doctor", code=1, MF_ETL_QA__FAIL_ON="sometimes")
    assert "qa.fail_on = 'sometimes'" in done.out
    done = built("doctor", code=1, MF_ETL_PATHS__RAW_ROOT="nowhere")
    assert "raw root nowhere is not a folder" in done.out
    strange = built.path("raw", "nysemkt bonds")
    strange.mkdir()
    try:
        (strange / "x.us.txt").write_bytes(b"")
        out = built("doctor").out
    finally:
        shutil.rmtree(strange)
    assert "1 in nysemkt bonds: under no known folder" in out
