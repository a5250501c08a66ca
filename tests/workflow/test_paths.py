"""Folders with names that file patterns and shells would read otherwise."""

from __future__ import annotations

import json
import os
import shutil
import time

import polars as pl
import pytest

from mf_etl.database import connect
from tests.conftest import raw_file, raw_row
from tests.workflow.conftest import new_project

KMEANS = {"method": "kmeans", "n_clusters": 3}


@pytest.mark.xdist_group("workflow_paths")
@pytest.mark.breadth
def test_folders_of_any_name(tmp_path):
    project = new_project(tmp_path / "it's a [new] project*")
    project.raw.rename(project.folder / "raw [x] & 'y'")
    project.environment = {
        "MF_ETL_PATHS__RAW_ROOT": "raw [x] & 'y'",
        "MF_ETL_PATHS__DATA_ROOT": "da[t]a*'s $HOME",
        "MF_ETL_PATHS__RESULTS_ROOT": "results*",
        "MF_ETL_PATHS__LOGS_ROOT": "lo[g]s",
        "MF_ETL_DATASETS": '{"all": {}}',
        "MF_ETL_RESEARCH_CLUSTERING__RUNS": json.dumps(
            {"r": {"dataset": "all", "clustering": KMEANS}}
        ),
    }
    assert "failed" not in project.snakemake("--cores", "4")
    assert "Nothing to be done" in project.snakemake("--cores", "4")
    project.snakemake("--cores", "1", "catalog")
    with connect(project.folder / "da[t]a*'s $HOME" / "mf_etl.duckdb") as database:
        assert database.sql("select count(distinct ticker) from features").fetchall() == [(2,)]
        assert database.sql("select count(*) from runs.r_kmeans_all").fetchall()[0][0] > 0


@pytest.mark.breadth
@pytest.mark.parametrize(
    ("folder", "setting"), [("a{b}", "project__env=ci"), ("a", "paths__logs_root=lo{g}s")]
)
def test_a_brace_in_a_folder_is_told_in_one_line(tmp_path, folder, setting):
    project = new_project(tmp_path / folder)
    told = project.snakemake("--cores", "1", "--config", setting, succeeds=False)
    assert "mf_etl: Snakemake takes a brace for a wildcard" in told.splitlines()[-1]
    assert "Traceback" not in told


ODD_TICKERS = ("1E5", "0X1", "2010-01-04", "NULL", "NAN", "TRUE", "NO", "T-", "X..Y", "CON")
DAYS = [f"2024{month:02d}{day:02d}" for month in range(1, 13) for day in range(1, 29)]


def archive(ticker: str, *more: str, end: str = "\n") -> str:
    """A year of bars, and `more` lines."""
    rows = (
        raw_row(day, 10, 11, 9, 10 + n % 7 / 10, 5, ticker=ticker) for n, day in enumerate(DAYS)
    )
    return raw_file(*rows, *more, end=end).decode()


@pytest.mark.breadth
@pytest.mark.xdist_group("workflow_paths")
def test_an_archive_of_odd_names_forms_and_dates_is_built_whole(tmp_path):
    """Names that other systems read as numbers, dates, words or patterns; dates out of this world."""
    project = new_project(tmp_path / "project [1] #x")
    shutil.rmtree(project.raw)
    raw = tmp_path / "ra w {x} [y] 'q'"
    files = {f"nyse stocks/{name}.US.txt": archive(f"{name}.US").encode() for name in ODD_TICKERS}
    files |= {
        "NYSE ETFs/2/deep/deeper/utf.us.TXT": ("\ufeff" + archive("UTF.US")).encode("utf-16-be"),
        "nysemkt stocks/cr.us.txt": archive("CR.US", end="\r").encode(),
        "nyse stocks/far.us.txt": archive(
            "FAR.US",
            *(raw_row(day, ticker="FAR.US") for day in ("00000101", "00010101", "99991231")),
        ).encode(),
        "nyse stocks/daily.txt": raw_file(*(raw_row("20240102", ticker=t) for t in "ABC")),
        "nyse stocks/a b.us.txt": b"",
    }
    for path, content in files.items():
        (raw / path).parent.mkdir(parents=True, exist_ok=True)
        (raw / path).write_bytes(content)
    os.utime(raw / "nysemkt stocks/cr.us.txt", (time.time() + 1e9, time.time() + 1e9))
    os.utime(raw / "nyse stocks/far.us.txt", (-1000, -1000))
    (raw / "nyse stocks" / "loop.us.txt").symlink_to("loop.us.txt")
    project.environment = {"MF_ETL_PATHS__RAW_ROOT": str(raw)}
    asked = ("features", "qa", "dataset", "--config", "qa__fail_on=never")
    told = project.snakemake("--cores", "2", "catalog", *asked)
    assert "1 the file name is no ticker (nyse stocks/a b.us.txt)" in told
    assert "1 file of many tickers" in told and "1 a broken link" in told
    data = project.folder / "data"
    master = pl.read_parquet(data / "bronze/symbol_master/symbol_master.parquet", glob=False)
    rows = dict(master.select("ticker", "rows_valid").rows())
    assert rows == {
        **{f"{name}.US": len(DAYS) for name in (*ODD_TICKERS, "UTF", "CR")},
        "FAR.US": len(DAYS) + 2,
    }
    dataset = data / "gold/datasets/ml_dataset_v1/market/dataset.parquet"
    tickers = pl.read_parquet(dataset, columns=["ticker"], glob=False)["ticker"]
    assert {*tickers.unique()} == {*rows}
    assert "Nothing to be done" in project.snakemake("--dry-run", *asked)
