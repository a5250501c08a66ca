"""A DuckDB file of views over what has been built: no data are copied, so none grow stale.

The views show the tickers of the universe, which is a table of its own: what lies below the data root
from another raw root, or of a ticker that has moved, is not in them.

A view has no path of the file it is in. Views therefore name files relative to the folder that holds
the data root, which the variable `FOLDER` tells, or else the working directory is taken; so they hold
wherever that folder is moved to. (`file_search_path` would come after the working directory, where
another project's files may have the same names.)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from mf_etl.catalog import Dataset, catalog, database_path
from mf_etl.damage import damaged
from mf_etl.errors import MfEtlError
from mf_etl.io import replacing
from mf_etl.settings.sections import Paths
from mf_etl.views import LAYER_VIEWS, MADE_BY, single_files

FOLDER = "mf_etl_folder"


class _View(NamedTuple):
    """A view and the files that it reads."""

    name: str
    query: str
    files: Iterator[Path]


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """The file opened read-only, from any working directory.

    In the DuckDB shell the same is ``set variable mf_etl_folder = '…'``, unless it is started in the
    folder that holds the data root. A cursor of the connection needs it once more.
    """
    connection = duckdb.connect(str(path), read_only=True)
    _set_folder(connection, path.resolve().parents[1])
    return connection


def write_database(paths: Paths, universe: Sequence[tuple[str, str]] | None) -> list[str]:
    """Write the file anew with a view for all that is there, and give their names in order.

    Views: `LAYER_VIEWS` (a row a ticker and day; a filter on ticker or exchange reads only these
    files), `quality` and `symbol_master` (a row a ticker), ``datasets.<name>``, and ``runs.<id>``,
    the clusters or decoded states of a run. The table `universe` holds the (exchange, ticker) pairs
    that the views show; without it (None: the raw files are not at hand) they show all there are.
    Raises `MfEtlError` for a damaged file.
    """
    path = database_path(paths)
    base = path.resolve().parents[1]
    views = list(_views(paths, base, universe is not None))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.unlink(missing_ok=True)
        with duckdb.connect(str(temporary)) as connection:
            _set_folder(connection, base)
            connection.execute("create schema datasets; create schema runs")
            if universe is not None:
                connection.execute("create table universe (exchange varchar, ticker varchar)")
                connection.execute(
                    "insert into universe select unnest($1), unnest($2)",
                    [[exchange for exchange, _ in universe], [ticker for _, ticker in universe]],
                )
            for view in views:
                _create(connection, view)
    return [view.name for view in views]


def not_built(views: Sequence[str]) -> list[str]:
    """The views that every project has and this one lacks, each with the target that builds it."""
    return [f"{view} (snakemake {target})" for view, target in MADE_BY.items() if view not in views]


def _views(paths: Paths, base: Path, has_universe: bool) -> Iterator[_View]:
    """The views to make; only of files that are there, since DuckDB looks at them."""
    layers = catalog(paths)
    shown = " semi join universe using (exchange, ticker)" if has_universe else ""
    for view, name in LAYER_VIEWS.items():
        dataset: Dataset = getattr(layers, name)
        if _first(dataset):
            # The folders' names tell DuckDB which files a filter needs.
            read = f"read_parquet({_glob(dataset, base)}, hive_partitioning = true)"
            yield _View(view, f"select * exclude (prefix) from {read}{shown}", _files(dataset))
    reports = layers.bronze_quality
    if _first(reports):
        read = f"read_json({_glob(reports, base)})"
        yield _View("quality", f"select * from {read}{shown}", _files(reports))
    for table in single_files(paths):
        name = f'{table.schema}."{table.name}"' if table.schema else table.name
        query = f"select * from read_parquet({_located(table.file, base)})"
        yield _View(name, query + ("" if table.schema else shown), iter([table.file]))


def _create(connection: duckdb.DuckDBPyConnection, view: _View) -> None:
    try:
        connection.execute(f"create view {view.name} as {view.query}")
    except duckdb.Error as error:
        found = next(damaged(map(str, view.files)), None)
        raise MfEtlError(str(found or f"view {view.name}: {error}")) from error


def _files(dataset: Dataset) -> Iterator[Path]:
    root = Path(dataset.partition("/exchange=")[0])
    return root.glob(f"*/*/*/{Path(dataset).name}")


def _first(dataset: Dataset) -> Path | None:
    return next(_files(dataset), None)


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
