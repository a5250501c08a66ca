"""Commands that show: the report, its pages on 127.0.0.1, one ticker's chart."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import click
import polars as pl

from mf_etl.catalog import Report, pages, report_root
from mf_etl.cli import context, project
from mf_etl.cli.building import BuildCommand, build
from mf_etl.errors import MfEtlError
from mf_etl.report.contents import ASSETS

PORT = 8765
NO_BROWSER = click.option("--no-browser", is_flag=True, help="Open no browser.")


def _pages() -> Report:
    return pages(context.settings().paths)


@click.command(cls=BuildCommand)
def report() -> None:
    """All pages and charts, as files that open in a browser without a network."""
    build("report")
    click.echo(_pages().report_market)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Port of 127.0.0.1; 0 takes any that is free.",
)
@NO_BROWSER
def view(port: int, no_browser: bool) -> None:
    """The pages on 127.0.0.1, with a chart of every ticker that is built; Ctrl-C ends it."""
    from mf_etl.report.open import site_of
    from mf_etl.report.server import PageServer

    settings = context.settings()
    start = Path(_pages().report_market)
    if not start.exists():
        raise MfEtlError(f"there is no {start} yet; `mf-etl report` builds the pages")
    try:
        listed = {*context.universe().tickers}
    except MfEtlError:
        listed = None  # the raw files are not at hand; what is built can be looked at
    server = PageServer(site_of(settings, listed), port)
    place = Path(report_root(settings.paths)).name
    address = f"http://127.0.0.1:{server.server_port}/{place}/index.html"
    click.echo(f"{address} (Ctrl-C ends)")
    if not no_browser:
        webbrowser.open(address)
    with server:
        server.serve_forever(poll_interval=0.2)


@click.command(cls=BuildCommand)
@click.argument("ticker", type=context.TickerType())
@click.option("--exchange", type=context.Exchange(), help="Where several exchanges have it.")
@click.option(
    "--png",
    type=project.UserPath(dir_okay=False),
    help="Draw it into this file, without a browser.",
)
@NO_BROWSER
def chart(ticker: str, exchange: str | None, png: Path | None, no_browser: bool) -> None:
    """One ticker's chart, built with all that it needs, and opened."""
    pair = context.resolved(ticker, exchange)
    if png is not None:
        _draw(*pair, png)
        return
    files = _pages()
    data = files.report_ticker.path(exchange=pair[0], ticker=pair[1])
    assets = [files.report_asset.format(asset=name) for name in ASSETS]
    build(data, files.report_tickers, *assets)
    page = Path(files.report_tickers).absolute()
    click.echo(f"{page.as_uri()}#{pair[0]}/{pair[1]}")
    if not no_browser:
        webbrowser.open(f"{page.as_uri()}#{pair[0]}/{pair[1]}")


def _draw(exchange: str, ticker: str, png: Path) -> None:
    """The same as a picture, from the same files."""
    from mf_etl.io import replacing
    from mf_etl.plots.ticker import ticker_figure
    from mf_etl.report.words import FLOW_NAMES

    data = context.data()
    bars, events, quality = (
        dataset.path(exchange=exchange, ticker=ticker)
        for dataset in (data.bronze_ohlcv, data.gold_events, data.bronze_quality)
    )
    build(events)
    found = pl.read_parquet(bars, glob=False)
    if not found.height:
        status = json.loads(Path(quality).read_text(encoding="utf-8"))
        raise MfEtlError(f"{ticker} has no valid bar to draw: {status['message']}")
    figure = ticker_figure(ticker, found, pl.read_parquet(events, glob=False), FLOW_NAMES)
    with replacing(png) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
    click.echo(png)


COMMANDS = (report, view, chart)
