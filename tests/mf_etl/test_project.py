"""The door for Python: what it reads, what it leaves alone, and what it says of wrong names."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import mf_etl
from mf_etl.catalog import aggregates, catalog, research
from mf_etl.errors import MfEtlError
from mf_etl.project import Project
from mf_etl.provenance import CodeDigests
from mf_etl.research.runs.catalog import runs_root
from mf_etl.settings.sections import Paths
from mf_etl.views import LAYER_VIEWS
from tests.conftest import ROOT

PAIRS = [("NASDAQ", "AB.US"), ("NYSE", "AB.US"), ("NYSE", "CD.US")]


def write(path: str | Path, *pairs: tuple[str, str]) -> None:
    """A Parquet file with one row a pair."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    rows = [{"ticker": t, "exchange": e, "close": n + 1.0} for n, (e, t) in enumerate(pairs)]
    pl.DataFrame(rows).write_parquet(path)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A project with three tickers, all layers, a dataset and a run; FB is of another raw root."""
    monkeypatch.delenv("MF_ETL_SETTINGS_FILE", raising=False)
    monkeypatch.delenv("MF_ETL_PATHS__RAW_ROOT", raising=False)
    folder = tmp_path / "a project"
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "config.yaml").write_text("paths: {raw_root: raw, results_root: out}")
    (folder / "Snakefile").touch()
    for exchange, ticker in PAIRS:
        raw = folder / "raw" / f"{exchange.lower()} stocks" / f"{ticker.lower()}.txt"
        raw.parent.mkdir(parents=True, exist_ok=True)
        raw.touch()
    paths = Paths(data_root=str(folder / "data"), results_root=str(folder / "out"))
    for exchange, ticker in (*PAIRS, ("NASDAQ", "FB.US")):
        for name in LAYER_VIEWS.values():
            file = getattr(catalog(paths), name).path(exchange=exchange, ticker=ticker)
            write(file, (exchange, ticker))
    write(aggregates(paths).symbol_master, *PAIRS)
    write(research(paths).ml_dataset.format(dataset="market"), *PAIRS)
    write(f"{runs_root(paths, 'hmm')}/regimes_hmm_market/decoded_rows.parquet", *PAIRS)
    return folder


def file_of(project: Project, layer: str, exchange: str, ticker: str) -> Path:
    """A file of a layer, of the project's own paths."""
    paths = Paths(data_root=str(project.folder / "data"))
    return Path(getattr(catalog(paths), layer).path(exchange=exchange, ticker=ticker))


def found(rows: pl.LazyFrame) -> list[tuple[str, str]]:
    """The (exchange, ticker) of each row."""
    assert isinstance(rows, pl.LazyFrame)
    return rows.select("exchange", "ticker").collect().rows()


def test_a_layer_has_the_tickers_of_the_universe_alone(folder):
    project = mf_etl.open(folder)
    assert project.tickers == PAIRS
    for name in LAYER_VIEWS:
        assert found(project.scan(name)) == PAIRS


def test_tickers_and_exchanges_are_taken_in_any_case(folder):
    project = mf_etl.open(str(folder))
    assert found(project.scan("features", tickers=["cd.us"])) == [("NYSE", "CD.US")]
    assert found(project.scan("features", tickers="AB.us ")) == PAIRS[:2]
    assert found(project.scan("features", ["AB.US"], exchanges="nyse")) == [("NYSE", "AB.US")]
    nothing = project.scan("features", tickers=[])
    assert found(nothing) == []
    assert nothing.collect_schema().names() == ["ticker", "exchange", "close"]


def test_no_other_file_is_opened(folder):
    project = mf_etl.open(folder)
    file_of(project, "gold_features", "NYSE", "CD.US").write_bytes(b"no Parquet file at all")
    assert found(project.scan("features", tickers=["AB.US"])) == PAIRS[:2]
    with pytest.raises(pl.exceptions.PolarsError):
        project.scan("features").collect()


def test_datasets_and_labels_have_the_names_that_sql_has(folder):
    project = mf_etl.open(folder)
    assert project.names == [
        *LAYER_VIEWS,
        "symbol_master",
        "datasets.market",
        "runs.regimes_hmm_market",
    ]
    for name in project.names[len(LAYER_VIEWS) :]:
        assert found(project.scan(name)) == PAIRS
        assert found(project.scan(name, tickers=["ab.us"], exchanges=["nyse"])) == PAIRS[1:2]


@pytest.mark.parametrize(
    ("name", "asked", "told"),
    [
        ("feature", {}, "there is no feature; near matches: features"),
        ("market", {}, r"there is no market; near matches: datasets\.market"),
        ("zzz", {}, "there is no zzz; there are bronze, datasets.market, events, …"),
        ("features", {"tickers": ["CD"]}, r"CD is no ticker; near matches: CD\.US"),
        ("features", {"tickers": ["FB.US"]}, r"FB\.US is no ticker; near matches: AB\.US"),
        ("features", {"exchanges": ["NSE"]}, "NSE is no exchange; near matches: NYSE"),
        ("datasets.market", {"tickers": ["XY.US"]}, r"XY\.US is no ticker of datasets\.market"),
    ],
)
def test_wrong_names_are_answered_with_near_ones(folder, name, asked, told):
    with pytest.raises(MfEtlError, match=f"^{told}"):
        mf_etl.open(folder).scan(name, **asked)


def test_what_is_not_built_is_told_with_the_command_that_builds_it(folder):
    project = mf_etl.open(folder)
    file_of(project, "gold_features", "NYSE", "CD.US").unlink()
    told = r"features of 1 of {} tickers is not built \(CD\.US\); in .*: snakemake --cores all features"
    with pytest.raises(MfEtlError, match=told.format(1)):
        project.scan("features", tickers=["CD.US"])
    with pytest.warns(UserWarning, match=told.format(3)):
        assert found(project.scan("features")) == PAIRS[:2]
    for exchange, ticker in PAIRS[:2]:
        file_of(project, "gold_features", exchange, ticker).unlink()
    with pytest.raises(MfEtlError, match="features of 3 of 3 tickers is not built"):
        project.scan("features")


def test_without_raw_files_all_that_is_built_is_there(folder):
    (folder / "raw").rename(folder / "gone")
    assert ("NASDAQ", "FB.US") in mf_etl.open(folder).tickers


def test_a_project_is_found_from_below_and_its_data_without_it(folder, monkeypatch):
    below = folder / "notes" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert mf_etl.open().folder == folder
    assert repr(mf_etl.open()) == f"mf_etl.open({str(folder)!r})"
    (folder / "Snakefile").unlink()
    with pytest.raises(MfEtlError, match="is in no project"):
        mf_etl.open()
    assert len(found(mf_etl.open(folder).scan("features"))) == 4


def test_settings_of_the_environment_hold_for_this_door_too(folder, monkeypatch):
    monkeypatch.setenv("MF_ETL_UNIVERSE__TICKERS", '["CD.US"]')
    assert mf_etl.open(folder).tickers == [("NYSE", "CD.US")]
    other = folder / "config" / "other.yaml"
    other.write_text("universe: {exchanges: [NASDAQ]}\npaths: {raw_root: raw}")
    monkeypatch.delenv("MF_ETL_UNIVERSE__TICKERS")
    monkeypatch.setenv("MF_ETL_SETTINGS_FILE", "config/other.yaml")
    assert mf_etl.open(folder).tickers == [("NASDAQ", "AB.US")]


def test_no_step_hangs_on_the_code_of_this_door():
    code = CodeDigests(ROOT)
    for script in sorted((ROOT / "scripts").glob("*.py")):
        assert "mf_etl.project" not in code.reached(script), script
