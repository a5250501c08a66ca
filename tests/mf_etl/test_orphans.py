"""Files of tickers that are no longer built."""

from __future__ import annotations

from pathlib import Path

from mf_etl.catalog import catalog, pages
from mf_etl.orphans import delete, orphans, tickers_beside, told_beside
from mf_etl.settings.sections import Paths


def test_only_files_of_tickers_that_are_not_built_are_orphans(tmp_path):
    data = catalog(Paths(data_root=(tmp_path / "data").as_posix()))
    for exchange in ("NYSE", "NASDAQ"):
        for dataset in data.per_ticker():
            path = Path(dataset.path(exchange=exchange, ticker="A.US"))
            path.parent.mkdir(parents=True)
            path.touch()
    notes = Path(data.silver_base.path(exchange="NYSE", ticker="A.US")).with_name("notes.txt")
    notes.touch()
    assert orphans(data, {("NYSE", "A.US"), ("NASDAQ", "A.US")}) == []
    assert tickers_beside(data, {("NYSE", "A.US"), ("NASDAQ", "A.US")}) == []
    assert tickers_beside(data, {("NASDAQ", "A.US")}) == [("NYSE", "A.US")]
    chart = pages(Paths(results_root=(tmp_path / "results").as_posix())).report_ticker
    page = Path(chart.path(exchange="NYSE", ticker="A.US"))
    page.parent.mkdir(parents=True)
    page.touch()
    page.parents[2].joinpath("index.html").touch()
    assert orphans(data, {("NYSE", "A.US"), ("NASDAQ", "A.US")}, chart) == []
    assert page in orphans(data, {("NASDAQ", "A.US")}, chart)
    found = orphans(data, {("NASDAQ", "A.US")})
    assert len(found) == len(data.per_ticker())
    assert all("exchange=NYSE" in path.as_posix() for path in found)
    delete(found)
    assert orphans(data, {("NASDAQ", "A.US")}) == []
    assert notes.exists() and len(orphans(data, set())) == len(data.per_ticker())
    assert not (tmp_path / "data/gold/features_by_symbol/exchange=NYSE").exists()


def test_how_files_of_others_are_told(tmp_path):
    assert told_beside([]) == ""
    assert tickers_beside(catalog(Paths(data_root=str(tmp_path))), set()) == []
    told = told_beside([("NYSE", f"{letter}.US") for letter in "ABCD"])
    assert told.startswith(
        "Beside them lie files of 4 tickers that are not of this universe (A.US, B"
    )
    assert "prune" in told
