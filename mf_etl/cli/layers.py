"""Commands that build layers: of one ticker, or of all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click
import polars as pl

from mf_etl.catalog import Dataset
from mf_etl.cli import context, project
from mf_etl.cli.building import BuildCommand, build
from mf_etl.cli.tables import show
from mf_etl.errors import UniverseError
from mf_etl.qa.manifest import status_counts


class Layer(NamedTuple):
    """A layer as its commands call it."""

    name: str
    target: str
    rule: str
    made_from: tuple[str, str]
    """Option that names a file of the layer above, and the dataset of such files."""
    what: str


DERIVED = (
    Layer("silver", "silver", "silver_base", ("--bronze-file", "bronze_ohlcv"), "Helper series"),
    Layer(
        "indicators",
        "indicators",
        "silver_indicators",
        ("--silver-file", "silver_base"),
        "Twiggs Money Flow and the TTI proxy",
    ),
    Layer(
        "events",
        "events",
        "gold_events",
        ("--indicator-file", "silver_indicators"),
        "Events and flow states",
    ),
    Layer(
        "features",
        "features",
        "gold_features",
        ("--events-file", "gold_events"),
        "Research features",
    ),
)

LIMIT = click.option("--limit", type=click.IntRange(min=1), help="Only the first so many tickers.")
FULL = click.option("--full", is_flag=True, help="Do the layer anew for every ticker.")
EXCHANGE = click.option(
    "--exchange", type=context.Exchange(), help="Exchange, for a ticker that is listed on several."
)


@click.command("bronze-one", cls=BuildCommand)
@click.option("--file", type=context.FILE, help="Its raw file, below the raw root.")
@click.option("--ticker", type=context.TickerType(), help="The ticker, such as AAPL.US.")
@EXCHANGE
def bronze_one(file: Path | None, ticker: str | None, exchange: str | None) -> None:
    """Valid bars, rejects and quality report of one ticker."""
    if file and ticker is None and exchange is None:
        pair = _of_raw_file(file)
    elif ticker and file is None:
        pair = context.resolved(ticker, exchange)
    else:
        raise click.UsageError("say which, by --file alone or by --ticker")
    _build_one(context.data().bronze_ohlcv, *pair)
    report = context.data().bronze_quality.path(exchange=pair[0], ticker=pair[1])
    quality = json.loads(Path(report).read_text(encoding="utf-8"))
    click.echo(
        f"{quality['status']}: {quality['rows_valid']:,} valid rows, "
        f"{quality['rows_rejected']:,} rejected ({report})"
    )


@click.command("bronze-run", cls=BuildCommand)
@LIMIT
@FULL
@click.option("--dry-run", is_flag=True, help="Write the manifest, tell what is in it, no more.")
@click.option(
    "--only-status",
    type=click.Choice(["NEW", "CHANGED"], case_sensitive=False),
    help="Only tickers whose raw file is that, compared with the last full build.",
)
def bronze_run(limit: int | None, full: bool, dry_run: bool, only_status: str | None) -> None:
    """Bronze of every ticker.

    The manifest says which raw files are NEW, CHANGED or UNCHANGED since the last full build: one
    without --limit, --only-status or --dry-run.
    """
    settings: dict[str, Any] = {}
    if dry_run or only_status:
        # Statuses are those of the build that found them; here they are asked for as of now.
        build(context.total("file_manifest_current"), force=["file_manifest"])
        manifest = pl.read_parquet(context.total("file_manifest_current"), glob=False)
        show(("status", "files"), status_counts(manifest).items())
        if dry_run or not only_status:
            return
        tickers = _with_status(manifest, only_status)
        if not tickers:
            click.echo(f"No raw file is {only_status}: nothing to do.")
            return
        settings["universe.tickers"] = tickers
    if limit:
        settings["universe.limit"] = limit
    build("bronze", settings=settings, force=["bronze_ohlcv"] if full else ())


def _with_status(manifest: pl.DataFrame, status: str) -> list[str]:
    """Tickers of the universe whose raw file has this status."""
    rows = manifest.filter(pl.col("status") == status).select("exchange", "ticker").rows()
    wanted = set(rows)
    return sorted({pair[1] for pair in context.universe().tickers if pair in wanted})


def one(layer: Layer) -> click.Command:
    """The command that builds a layer of one ticker."""
    option, above = layer.made_from
    parameter = option.lstrip("-").replace("-", "_")

    @click.option("--ticker", type=context.TickerType(), help="The ticker, such as AAPL.US.")
    @click.option(option, type=project.UserPath(), help=f"Its file in {above}.")
    @EXCHANGE
    def command(ticker: str | None, exchange: str | None, **files: Path | None) -> None:
        file = files[parameter]
        if file and ticker is None and exchange is None:
            pair = _of_file(getattr(context.data(), above), file)
        elif ticker and file is None:
            pair = context.resolved(ticker, exchange)
        else:
            raise click.UsageError(f"say which, by --ticker or by {option} alone")
        _build_one(getattr(context.data(), layer.rule), *pair)

    return _named(command, f"{layer.name}-one", f"{layer.what} of one ticker, and what lies above.")


def every(layer: Layer) -> click.Command:
    """The command that builds a layer of all tickers."""

    @LIMIT
    @FULL
    def command(limit: int | None, full: bool) -> None:
        settings = {"universe.limit": limit} if limit else {}
        build(layer.target, settings=settings, force=[layer.rule] if full else ())

    return _named(
        command, f"{layer.name}-run", f"{layer.what} of every ticker, and what lies above."
    )


def _named(command: Callable[..., None], name: str, help_text: str) -> click.Command:
    return click.command(name, cls=BuildCommand, help=help_text)(command)


def _build_one(dataset: Dataset, exchange: str, ticker: str) -> None:
    path = dataset.path(exchange=exchange, ticker=ticker)
    build(path)
    click.echo(path)


def _of_raw_file(file: Path) -> tuple[str, str]:
    """The (exchange, ticker) that a raw file is built into; `UniverseError` if into none."""
    root = context.universe().raw_root
    for raw in context.universe().files:
        if (root / raw.source_file).samefile(file):
            if raw.role == "build":
                return raw.exchange, raw.ticker
            raise UniverseError(f"{file} is not built, it is {raw.role}: {raw.reason}")
    raise UniverseError(
        f"{file} is not below the raw root {root}; parse-sample and validate-sample take any file"
    )


def _of_file(dataset: Dataset, file: Path) -> tuple[str, str]:
    """The (exchange, ticker) of a layer's file by its path."""
    # Links are kept: a data folder may be one.
    found = Dataset(_absolute(dataset)).wildcards(_absolute(file))
    if not found:
        raise click.UsageError(f"{file} is no file of {dataset.name}; those are {dataset}")
    context.universe().raw_path(**found)
    return found["exchange"], found["ticker"]


def _absolute(path: str | Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100


COMMANDS = (
    bronze_one,
    *(one(layer) for layer in DERIVED),
    bronze_run,
    *(every(layer) for layer in DERIVED),
)
