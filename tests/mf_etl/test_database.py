"""The catalogue's views: the tickers of the universe, whatever lies beside them."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from mf_etl.catalog import catalog, database_path
from mf_etl.database import connect, not_built, write_database
from mf_etl.errors import MfEtlError
from mf_etl.settings.sections import Paths
from mf_etl.views import LAYER_VIEWS

PAIRS = [("NASDAQ", "A.US"), ("NYSE", "A.US"), ("NYSE", "B.US")]


@pytest.fixture
def paths(tmp_path) -> Paths:
    paths = Paths(data_root=str(tmp_path / "data"), results_root=str(tmp_path / "results"))
    layers = catalog(paths)
    for exchange, ticker in PAIRS:
        row = {"ticker": ticker, "exchange": exchange}
        for name in LAYER_VIEWS.values():
            path = Path(getattr(layers, name).path(**row))
            path.parent.mkdir(parents=True)
            pl.DataFrame([row | {"close": 1.0}]).write_parquet(path)
        report = Path(layers.bronze_quality.path(**row))
        report.parent.mkdir(parents=True)
        report.write_text(json.dumps(row))
    return paths


def rows(paths: Paths, view: str, columns: str = "exchange, ticker") -> list[tuple]:
    with connect(database_path(paths)) as database:
        return database.sql(f"select {columns} from {view} order by all").fetchall()


def test_tickers_outside_the_universe_are_not_shown(paths):
    written = write_database(paths, PAIRS[1:])
    assert written == [*LAYER_VIEWS, "quality"]
    for view in written:
        assert rows(paths, view) == PAIRS[1:], view
    assert rows(paths, "universe") == PAIRS[1:]
    assert rows(paths, "features", "*") == [("A.US", "NYSE", 1.0), ("B.US", "NYSE", 1.0)]
    write_database(paths, [])
    assert rows(paths, "features") == []


def test_without_raw_files_all_are_shown(paths):
    write_database(paths, None)
    assert rows(paths, "features") == PAIRS


def test_a_filter_reads_the_files_of_that_ticker_alone(paths):
    write_database(paths, PAIRS)
    other = catalog(paths).gold_features.path(exchange="NYSE", ticker="A.US")
    Path(other).write_bytes(b"no Parquet file at all")
    with connect(database_path(paths)) as database:
        query = "select ticker from features where exchange = 'NYSE' and ticker = 'B.US'"
        assert database.sql(query).fetchall() == [("B.US",)]
        with pytest.raises(duckdb.Error, match=r"ticker=A\.US"):
            database.sql("select sum(close) from features").fetchall()


def test_a_damaged_file_is_named_with_the_way_to_mend_it(paths):
    files = [Path(catalog(paths).gold_events.path(exchange=e, ticker=t)) for e, t in PAIRS]
    for file in files:
        file.write_bytes(b"")
    with pytest.raises(MfEtlError, match=r"part-000\.parquet has 0 bytes; make it anew: snakemake"):
        write_database(paths, PAIRS)
    assert not database_path(paths).exists()


def test_what_is_not_built_is_named(paths):
    assert not_built(write_database(paths, PAIRS)) == ["symbol_master (snakemake qa)"]
