"""The whole workflow by the real `snakemake`: files, bytes, single targets, clear ends."""

from __future__ import annotations

import polars as pl
import pytest

from mf_etl.docs import PER_TICKER_TABLES as TABLES
from tests.workflow.conftest import LAYERS, TICKERS, new_project

pytestmark = pytest.mark.xdist_group("workflow_build")

FOLDERS = {
    "bronze_ohlcv": "bronze/ohlcv_by_symbol",
    "bronze_rejects": "bronze/rejects_by_symbol",
    "silver_base": "silver/base_series_by_symbol",
    "silver_indicators": "silver/indicators_by_symbol",
    "gold_events": "gold/events_by_symbol",
    "gold_features": "gold/features_by_symbol",
}


def test_every_ticker_has_every_file_as_declared(built):
    for ticker in ("FB.US", "ZVALUES.US", "ZEMPTY.US"):
        for table in TABLES:
            frame = pl.read_parquet(
                built.folder / built.file(FOLDERS[table.name], ticker), hive_partitioning=False
            )
            table.check(frame, pl.Float32)
            if ticker == "ZEMPTY.US":
                assert frame.height == 0
    per_ticker = [path for path in built.data() if "ticker=" in path]
    assert len(per_ticker) == len(TICKERS) * (len(TABLES) + 1)


def test_rows_follow_through_the_layers(built):
    heights = {
        name: pl.read_parquet(built.folder / built.file(folder, "FB.US")).height
        for name, folder in FOLDERS.items()
    }
    assert heights == dict.fromkeys(LAYERS, 196) | {"bronze_rejects": 0}


def test_run_ids_differ_by_layer_and_are_one_a_file(built):
    ids = [
        pl.read_parquet(built.folder / built.file(FOLDERS[name], "FB.US"))["run_id"]
        .unique()
        .to_list()
        for name in LAYERS
    ]
    assert all(len(found) == 1 for found in ids)
    assert len({found[0] for found in ids}) == len(LAYERS)


def test_a_second_run_has_nothing_to_do(built):
    assert "Nothing to be done" in built.snakemake("--cores", "2")


@pytest.mark.parametrize(
    "engine",
    [
        ("--cores", "1"),
        pytest.param(
            ("--cores", "4", "--executor", "local", "--scheduler", "greedy"),
            marks=pytest.mark.breadth,
        ),
    ],
)
def test_same_bytes_in_another_folder_at_other_cores_and_by_stock_snakemake(
    built, tmp_path, engine
):
    other = new_project(tmp_path / "another" / "place")
    other.snakemake(*engine)
    assert other.data() == built.data()


def test_one_ticker_by_its_file_name(tmp_path):
    project = new_project(tmp_path / "one")
    target = project.file("gold/features_by_symbol", "FB.US")
    assert project.planned(target) == dict.fromkeys(LAYERS, 1)
    assert project.planned("silver") == {"bronze_ohlcv": 3, "silver_base": 3}


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (
            "NASDAQ/prefix=F/ticker=FBX.US",
            "FBX.US is in no raw file below raw; near matches: FB.US",
        ),
        ("NYSE/prefix=F/ticker=FB.US", "FB.US is not listed on NYSE but on NASDAQ"),
        ("NASDAQ/prefix=B/ticker=FB.US", "the prefix of FB.US is F, not B"),
    ],
)
def test_a_target_that_cannot_be_gets_one_line(built, target, line):
    place = f"data/gold/features_by_symbol/exchange={target}/part-000.parquet"
    text = built.snakemake("--cores", "1", place, succeeds=False)
    assert text.splitlines()[-1] == f"mf_etl: {line}"
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ("event_gramar__x=1", "setting event_gramar is not known; did you mean event_grammar?"),
        ("paths__raw_root=nowhere", "raw root nowhere is not a folder"),
        ("universe__tickers=FC.US", "universe.tickers: FC.US is in no raw file below raw"),
    ],
)
def test_a_mistake_in_the_settings_gets_one_line(built, config, line):
    text = built.snakemake("--cores", "1", "--config", config, succeeds=False)
    assert f"mf_etl: {line}" in text.splitlines()[-1]
    assert "Traceback" not in text
