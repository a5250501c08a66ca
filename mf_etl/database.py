"""A DuckDB file of views over what has been built: nothing is copied, so it never grows stale rows.

A view has no path of the file it is in. Views therefore name files relative to the folder that holds
the data root, which the variable `FOLDER` tells, or else the working directory is taken; so they hold
wherever that folder is moved to. (`file_search_path` would come after the working directory, where
another project's files may have the same names.)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb

from mf_etl.catalog import Dataset, aggregates, catalog, research
from mf_etl.io import replacing
from mf_etl.research.runs.catalog import runs_root
from mf_etl.settings.sections import Paths

LAYER_VIEWS = {
    "bronze": "bronze_ohlcv",
    "rejects": "bronze_rejects",
    "silver_base": "silver_base",
    "indicators": "silver_indicators",
    "events": "gold_events",
    "features": "gold_features",
}
RUN_TABLES = {"clustering": "clustered_dataset.parquet", "hmm": "decoded_rows.parquet"}


FOLDER = "mf_etl_folder"


def database_path(paths: Paths) -> Path:
    """Where the file is."""
    return Path(paths.data_root, "mf_etl.duckdb")


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """The file opened read-only, from any working directory.

    In the DuckDB shell the same is ``set variable mf_etl_folder = '…'``, unless it is started in the
    folder that holds the data root. A cursor of the connection needs it once more.
    """
    connection = duckdb.connect(str(path), read_only=True)
    _set_folder(connection, path.resolve().parents[1])
    return connection


def write_database(paths: Paths) -> list[str]:
    """Write the file anew with a view for all that is there, and give their names in order.

    Views: `LAYER_VIEWS` (a row a ticker and day; a filter on ticker or exchange reads only these
    files), `quality` and `symbol_master` (a row a ticker), ``datasets.<name>``, and ``runs.<id>``,
    the clusters or decoded states of a run.
    """
    path = database_path(paths)
    base = path.resolve().parents[1]
    views = dict(_views(paths, base))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.unlink(missing_ok=True)
        with duckdb.connect(str(temporary)) as connection:
            _set_folder(connection, base)
            connection.execute("create schema datasets; create schema runs")
            for name, query in views.items():
                connection.execute(f"create view {name} as {query}")
    return list(views)


def _views(paths: Paths, base: Path) -> Iterator[tuple[str, str]]:
    """Name and query of each view; only of files that are there, since DuckDB looks at them."""
    layers = catalog(paths)
    for view, name in LAYER_VIEWS.items():
        dataset: Dataset = getattr(layers, name)
        if _first(dataset):
            yield view, _of_tickers(dataset, base)
    if _first(layers.bronze_quality):
        yield "quality", f"select * from read_json({_glob(layers.bronze_quality, base)})"
    master = aggregates(paths).symbol_master
    if Path(master).exists():
        yield "symbol_master", f"select * from read_parquet({_located(master, base)})"
    root = Path(research(paths).ml_dataset.partition("{")[0])
    for file in sorted(root.glob("*/dataset.parquet")):
        query = f"select * from read_parquet({_located(file, base)})"
        yield f'datasets."{file.parent.name}"', query
    for kind, table in RUN_TABLES.items():
        for file in sorted(Path(runs_root(paths, kind)).glob(f"*/{table}")):
            query = f"select * from read_parquet({_located(file, base)})"
            yield f'runs."{file.parent.name}"', query


def _of_tickers(dataset: Dataset, base: Path) -> str:
    """Rows of every ticker; the folders' names tell DuckDB which files a filter needs."""
    pattern = _glob(dataset, base)
    return f"select * exclude (prefix) from read_parquet({pattern}, hive_partitioning = true)"


def _first(dataset: Dataset) -> Path | None:
    root = Path(dataset.partition("/exchange=")[0])
    return next(root.glob(f"*/*/*/{Path(dataset).name}"), None)


def _glob(dataset: Dataset, base: Path) -> str:
    root = dataset.partition("/exchange=")[0]
    return f"{_located(root, base)} || '/*/*/*/{Path(dataset).name}'"


def _located(path: str | Path, base: Path) -> str:
    """The path as an expression, below whatever folder `FOLDER` names."""
    relative = Path(os.path.relpath(Path(path).resolve(), base)).as_posix()
    return f"coalesce(getvariable('{FOLDER}') || '/', '') || {_literal(relative)}"


def _literal(path: str) -> str:
    """Of DuckDB's patterns for files, the one that means this very path."""
    plain = re.sub(r"[\[*?]", r"[\g<0>]", path).replace("'", "''")
    return f"'{plain}'"


def _set_folder(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.execute(f"set variable {FOLDER} = {_literal(str(folder))}")
