"""Files of tickers that are no longer built."""

from __future__ import annotations

from pathlib import Path

from mf_etl.catalog import catalog
from mf_etl.orphans import delete, orphans
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
    found = orphans(data, {("NASDAQ", "A.US")})
    assert len(found) == len(data.per_ticker())
    assert all("exchange=NYSE" in path.as_posix() for path in found)
    delete(found)
    assert orphans(data, {("NASDAQ", "A.US")}) == []
    assert notes.exists() and len(orphans(data, set())) == len(data.per_ticker())
    assert not (tmp_path / "data/gold/features_by_symbol/exchange=NYSE").exists()
