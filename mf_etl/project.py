"""The door for Python: what a project has built, as lazy polars frames.

Only files that are asked for are opened, and only columns that are used are read.
"""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mf_etl.catalog import Dataset, catalog, fingerprint_cache
from mf_etl.errors import MfEtlError, ResearchError, UniverseError
from mf_etl.fingerprints import Fingerprints
from mf_etl.orphans import tickers_beside
from mf_etl.settings.model import DEFAULT_FILE, FILE_VARIABLE, Settings, load_settings
from mf_etl.settings.sections import Paths
from mf_etl.universe import Universe
from mf_etl.views import LAYER_VIEWS, MADE_BY, single_files

if TYPE_CHECKING:
    import polars as pl

SNAKEFILE = "Snakefile"
_NEAR = 3


def find(start: Path) -> Path | None:
    """The nearest folder, `start` or above it, that holds a project; None if there is none."""
    return next(
        (
            folder
            for folder in (start, *start.parents)
            if (folder / DEFAULT_FILE).is_file() and (folder / SNAKEFILE).is_file()
        ),
        None,
    )


def open_project(folder: str | os.PathLike[str]) -> Project:
    """As `mf_etl.open`."""
    start = Path(folder).expanduser().absolute()
    found = find(start)
    if found is None:
        if not (start / Paths().data_root).is_dir():
            raise MfEtlError(
                f"{start} is in no project: no folder from there up has {DEFAULT_FILE} and a "
                f"{SNAKEFILE}, and it holds no {Paths().data_root} folder either"
            )
        return Project(start, load_settings(file=Path(os.devnull)))
    named = os.environ.get(FILE_VARIABLE)
    return Project(found, load_settings(file=found / Path(named or DEFAULT_FILE).expanduser()))


class Project:
    """What is built below the roots of the settings; relative ones count from `folder`."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        roots: dict[str, str] = settings.paths.model_dump()
        self._paths = Paths(**{name: str(folder / root) for name, root in roots.items()})

    def __repr__(self) -> str:
        return f"mf_etl.open({str(self.folder)!r})"

    @property
    def names(self) -> list[str]:
        """What `scan` can be asked for: the layers, then what is one file and is there."""
        return [*LAYER_VIEWS, *self._single_files]

    @cached_property
    def tickers(self) -> list[tuple[str, str]]:
        """The (exchange, ticker) pairs of the universe, in order.

        They are those of the raw files. Where these are not at hand, those below the data root.
        """
        data = catalog(self._paths)
        known = Fingerprints(fingerprint_cache(self._paths))
        raw_root = Path(self._paths.raw_root)
        try:
            return Universe(raw_root, self.settings.universe, known.is_of_many).tickers
        except UniverseError:
            return tickers_beside(data, set())

    def scan(
        self,
        name: str,
        tickers: str | Iterable[str] | None = None,
        exchanges: str | Iterable[str] | None = None,
    ) -> pl.LazyFrame:
        """Rows of a layer, of ``datasets.<name>``, of ``runs.<id>`` or of `symbol_master`.

        Parameters
        ----------
        name
            One of `names`. Columns, units and nulls are in ``docs/tables.md``.
        tickers, exchanges
            Only these, in any case; None is all of the universe. Of a layer, no other file is
            opened. A ticker that is listed on two exchanges comes from both.

        A layer's rows are in order of exchange, ticker and date. Raises `MfEtlError`, with what
        comes near, for a name, ticker or exchange that is not there, and for a ticker that is not
        built; where all tickers are asked for, those that are not built are told by a warning.
        """
        import polars as pl

        wanted, markets = _upper(tickers), _upper(exchanges)
        if name in LAYER_VIEWS:
            files = self._files(name, wanted, markets)
            if not files:  # no ticker is asked for
                return pl.scan_parquet(self._files(name, None, None)[:1], glob=False).head(0)
            return pl.scan_parquet(files, glob=False)
        if name not in self._single_files:
            full = [known for known in self._single_files if known.partition(".")[2] == name]
            raise ResearchError(f"there is no {name}{_near(name, self.names, full)}")
        rows = pl.scan_parquet(self._single_files[name], glob=False)
        for column, values in (("ticker", wanted), ("exchange", markets)):
            if values is not None:
                there = set(rows.select(pl.col(column).unique()).collect().to_series())
                _refuse_unknown(values, there, f"{column} of {name}")
                rows = rows.filter(pl.col(column).is_in(values))
        return rows

    @property
    def _single_files(self) -> dict[str, Path]:
        return {str(table): table.file for table in single_files(self._paths)}

    def _files(self, name: str, wanted: list[str] | None, markets: list[str] | None) -> list[str]:
        """The files of a layer; those that are not there are refused where they were asked for."""
        dataset: Dataset = getattr(catalog(self._paths), LAYER_VIEWS[name])
        pairs = self.tickers
        for place, values, what in ((0, markets, "exchange"), (1, wanted, "ticker")):
            if values is not None:
                _refuse_unknown(values, {pair[place] for pair in pairs}, what)
                chosen = set(values)
                pairs = [pair for pair in pairs if pair[place] in chosen]
        files = {pair: dataset.path(exchange=pair[0], ticker=pair[1]) for pair in pairs}
        there = {pair: path for pair, path in files.items() if Path(path).exists()}
        if missing := [ticker for exchange, ticker in files if (exchange, ticker) not in there]:
            some = ", ".join(missing[:_NEAR]) + (", …" if len(missing) > _NEAR else "")
            told = (
                f"{name} of {len(missing):,} of {len(files):,} tickers is not built ({some}); "
                f"in {self.folder}: snakemake --cores all {MADE_BY[name]}"
            )
            if wanted is not None or not there:
                raise ResearchError(told)
            warnings.warn(told, stacklevel=3)
        return list(there.values())


def _upper(names: str | Iterable[str] | None) -> list[str] | None:
    if names is None:
        return None
    return [name.strip().upper() for name in ([names] if isinstance(names, str) else names)]


def _refuse_unknown(values: Iterable[str], known: Collection[str], what: str) -> None:
    for value in values:
        if value not in known:
            raise UniverseError(f"{value} is no {what}{_near(value, known)}")


def _near(value: str, known: Collection[str], nearest: Collection[str] = ()) -> str:
    """What comes near, the `nearest` before all, or else some of what there is."""
    names = sorted(known)
    near = nearest or difflib.get_close_matches(value, names, n=_NEAR, cutoff=0.5)
    if near:
        return f"; near matches: {', '.join(near)}"
    return f"; there are {', '.join(names[:_NEAR])}{', …' if len(names) > _NEAR else ''}"
