"""The archive ends earlier: labels, positions and returns up to that day are the same bit for bit.

``make test-cuts N=50`` cuts it at 50 random days.
"""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mf_etl.research.validation.catalog import VALIDATION
from mf_etl.synth import write_archive
from tests.conftest import ROOT
from tests.workflow.conftest import new_project
from tests.workflow.research import preparation, settings

pytestmark = [pytest.mark.random, pytest.mark.xdist_group("workflow_cuts")]

CUTS = int(os.environ.get("MF_ETL_TEST_CUTS", "2"))
FOLDER = "results/validation_runs/cut_two_hmm_market"
FIRST_TEST, LAST_TEST = date(2024, 1, 2), date(2025, 6, 27)
KEYS = {
    "labels": ["ticker", "exchange", "trade_date"],
    "positions": ["strategy", "trade_date", "ticker", "exchange"],
    "daily": ["strategy", "trade_date"],
    "trials": ["state", "side", "h", "trade_date"],
}
MODEL = {
    "hmm": {"n_components": 2, "n_iter": 30, "n_restarts": 1, "start_rows": 2000},
    "preparation": preparation(),
}
ASKED = {"labels": "two_hmm_market", "horizons": [5, 10], "replications": 199, "last_folds": 5}
ENVIRONMENT = (
    settings("hmm", runs={"two": MODEL})
    | settings("validation", runs={"cut": ASKED})
    | {"MF_ETL_MARKET__MIN_NAMES": "3", "MF_ETL_RESEARCH_VALIDATION__MIN_NAMES": "3"}
    | {"MF_ETL_DATASETS": '{"market": {"min_adv": 1e4}}'}
)


def tables(folder: Path, raw: Path) -> dict[str, pl.DataFrame]:
    """What a validation of the archive in `raw` says day by day."""
    project = new_project(folder)
    shutil.rmtree(project.folder / "mf_etl")
    (project.folder / "mf_etl").symlink_to(ROOT / "mf_etl")
    shutil.rmtree(project.raw)
    raw.rename(project.raw)
    project.environment = ENVIRONMENT
    files = {
        name: file for own in VALIDATION.values() for name, file in own.items() if name in KEYS
    }
    project.snakemake("--cores", "2", *(f"{FOLDER}/{file}" for file in files.values()))
    found = {name: pl.read_parquet(folder / FOLDER / file) for name, file in files.items()}
    shutil.rmtree(folder)
    return found


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Twelve tickers of seven years: two years are tested, the second of which is not over."""
    folder = tmp_path_factory.mktemp("archive") / "raw"
    write_archive(folder, tickers=12, years=7.5, seed=5, anomalies=False, pays=10.0)
    return folder


@pytest.fixture(scope="module")
def whole(archive, tmp_path_factory) -> dict[str, pl.DataFrame]:
    """The tables of the whole archive."""
    raw = tmp_path_factory.mktemp("whole") / "raw"
    shutil.copytree(archive, raw)
    found = tables(tmp_path_factory.mktemp("whole") / "project", raw)
    assert found["positions"].height > 1000
    return found


def cut(archive: Path, raw: Path, last: date) -> None:
    """The archive as it was on the evening of `last`: no later line, no ticker listed later."""
    for path in archive.rglob("*.txt"):
        head, *lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if line.split(b",")[2] <= last.strftime("%Y%m%d").encode()]
        if kept:
            target = raw / path.relative_to(archive)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(head + b"".join(kept))


def up_to(table: pl.DataFrame, name: str, day: date) -> pl.DataFrame:
    """Rows up to a day in one order, without what is earned after its open."""
    later = [c for c in ("gross", "net", "market_net", "active", "profit") if c in table.columns]
    known = pl.col("trade_date") < day
    rows = table.filter(pl.col("trade_date") <= day).sort(KEYS[name])
    return rows.with_columns(pl.when(known).then(column).alias(column) for column in later)


@pytest.mark.parametrize("number", range(CUTS))
def test_up_to_a_cut_everything_is_the_same_bit_for_bit(whole, archive, tmp_path, number):
    days = whole["daily"].get_column("trade_date").unique().sort()
    inside = days.filter(days.is_between(FIRST_TEST, LAST_TEST))
    # The first is early in the last year: the rest of it, and all after, is not known yet.
    places = np.random.default_rng(number).integers(20, len(inside), CUTS)
    day = inside[int(places[number])]
    cut(archive, tmp_path / "raw", day)
    told = tables(tmp_path / "project", tmp_path / "raw")
    for name, table in told.items():
        expected = up_to(whole[name], name, day)
        got = up_to(table, name, day)
        assert got.height and got.get_column("trade_date").max() == day, name
        assert got.equals(expected), (name, day)
