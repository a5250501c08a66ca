"""Commands that look at raw files and write nothing."""

from __future__ import annotations

from pathlib import Path

import click
import polars as pl

from mf_etl.bronze.build import Bronze, bronze
from mf_etl.bronze.validation import Origin, Thresholds
from mf_etl.cli import context
from mf_etl.cli.tables import show, show_frame
from mf_etl.errors import RawFileError
from mf_etl.ingest.limits import Limits
from mf_etl.ingest.reader import RawContent, parse, read_content
from mf_etl.settings.sections import UNKNOWN_EXCHANGE
from mf_etl.settings.steps import BronzeSettings, step_settings
from mf_etl.tickers import ticker_of

ROWS = click.option(
    "--rows", type=click.IntRange(min=1), default=10, show_default=True, help="Rows to show."
)
RAW_FILE = click.option(
    "--file", type=context.FILE, required=True, help="A raw file, wherever it is."
)


@click.command()
@click.option("--limit", type=click.IntRange(min=1), help="List only the first so many files.")
@click.option("--counts", is_flag=True, help="Only how many files there are of each kind.")
def discover_files(limit: int | None, counts: bool) -> None:
    """What would be read: every raw file, its exchange and ticker, and whether it is built."""
    files = context.universe().files
    if not counts:
        show(
            ("exchange", "ticker", "role", "file", "reason"),
            [(f.exchange, f.ticker, f.role, f.source_file, f.reason) for f in files[:limit]],
        )
    kinds = pl.DataFrame({"exchange": [f.exchange for f in files], "role": [f.role for f in files]})
    show_frame(kinds.group_by("exchange", "role").len("files").sort("exchange", "role"))


@click.command()
@RAW_FILE
@ROWS
def parse_sample(file: Path, rows: int) -> None:
    """One raw file parsed: its status, its rows as they are read, and lines that are no rows."""
    content, limits = _content(file)
    parsed = parse(content, ticker_of(file.name) or "", limits)
    click.echo(f"{file}: {parsed.status}" + (f" ({parsed.message})" if parsed.message else ""))
    show_frame(
        parsed.rows.head(rows),
        title=f"{min(rows, parsed.rows.height)} of {parsed.rows.height} rows",
    )


@click.command()
@RAW_FILE
@ROWS
def validate_sample(file: Path, rows: int) -> None:
    """One raw file's flags: how many rows each rejects or warns of, and the rows rejected."""
    found = _bronze(file)
    quality = found.quality
    message = f" ({quality['message']})" if quality["message"] else ""
    click.echo(f"{file}: {quality['status']}{message}")
    show(
        ("rows", "valid", "rejected"),
        [(quality["rows_total"], quality["rows_valid"], quality["rows_rejected"])],
    )
    show(("flag", "rows"), sorted(quality["flags"].items()))
    if found.rejects.height:
        told = found.rejects.select("source_line_no", pl.col("reasons").list.join(", "), "raw_line")
        show_frame(told.head(rows), title="rejected")


def _content(file: Path) -> tuple[RawContent, Limits]:
    limits = Limits(**_settings().limits)
    return read_content(file, limits), limits


def _bronze(file: Path) -> Bronze:
    """What bronze makes of a raw file, whether or not it is below the raw root."""
    content, limits = _content(file)
    ticker = ticker_of(file.name)
    if ticker is None:
        raise RawFileError(f"{file}: the file name is no ticker; one is like aapl.us.txt")
    origin = Origin(ticker, UNKNOWN_EXCHANGE, file.name, "")
    settings = _settings()
    return bronze(
        content,
        origin,
        limits=limits,
        thresholds=Thresholds(**settings.thresholds),
        price_spike_factor=settings.validation.price_spike_factor,
        conflicts=settings.validation.conflicting_duplicates,
    )


def _settings() -> BronzeSettings:
    return BronzeSettings.model_validate(step_settings(context.settings(), "bronze_ohlcv"))


COMMANDS = (discover_files, parse_sample, validate_sample)
