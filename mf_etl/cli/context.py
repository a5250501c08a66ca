"""What commands share: settings in force, the tickers there are, and types of options."""

from __future__ import annotations

import functools
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from mf_etl.catalog import (
    Catalog,
    Dataset,
    Research,
    aggregates,
    catalog,
    fingerprint_cache,
    research,
)
from mf_etl.cli import project
from mf_etl.errors import MfEtlError
from mf_etl.fingerprints import Fingerprints
from mf_etl.settings.model import Settings, load_settings
from mf_etl.universe import Universe


@functools.cache
def settings() -> Settings:
    """The settings in force."""
    return load_settings()


@functools.cache
def universe() -> Universe:
    """The raw files and tickers of the settings in force."""
    known = Fingerprints(fingerprint_cache(settings().paths))
    return Universe(Path(settings().paths.raw_root), settings().universe, known.is_of_many)


def data() -> Catalog:
    """The files of each ticker."""
    return catalog(settings().paths)


def research_files() -> Research:
    """The files of datasets."""
    return research(settings().paths)


def total(name: str) -> Dataset:
    """A file over the universe."""
    found: Dataset = getattr(aggregates(settings().paths), name)
    return found


class TickerType(click.ParamType):  # type: ignore[type-arg] # no generic in older versions
    """A ticker in any case; the shell completes those there are."""

    name = "ticker"

    def convert(
        self, value: str, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        return value.strip().upper()

    def shell_complete(
        self, context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            project.enter()
            known = sorted({ticker for _, ticker in universe().listed})
        except (MfEtlError, click.UsageError):
            return []
        return [CompletionItem(name) for name in known if name.startswith(incomplete.upper())]


class Exchange(click.ParamType):  # type: ignore[type-arg]
    """An exchange in any case."""

    name = "exchange"

    def convert(
        self, value: str, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        return value.strip().upper()


FILE = project.UserPath(exists=True, dir_okay=False)
FOLDER = project.UserPath(exists=True, file_okay=False)


def resolved(ticker: str, exchange: str | None) -> tuple[str, str]:
    """The (exchange, ticker) that is meant.

    Raises `UniverseError` for an unknown ticker, with near ones, and a usage error for one that is
    listed on several exchanges.
    """
    if exchange is not None:
        universe().file(exchange, ticker)
        return exchange, ticker
    places = sorted(market for market, name in universe().listed if name == ticker)
    if len(places) > 1:
        raise click.UsageError(
            f"{ticker} is listed on {' and '.join(places)}; add --exchange {places[0]}, for example"
        )
    if not places:
        universe().file("", ticker)
    return places[0], ticker
