"""The command that makes a dataset from options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml

from mf_etl.cli import context
from mf_etl.cli.building import BuildCommand, build
from mf_etl.cli.tables import show
from mf_etl.io import replacing
from mf_etl.research.datasets.naming import dataset_name
from mf_etl.research.datasets.request import DatasetRequest, checked


@click.command(cls=BuildCommand)
@click.option("--dataset", help="A dataset of the settings, instead of options.")
@click.option("--tickers", help="Tickers to take, such as AAPL.US,IBM.US.")
@click.option("--exchanges", help="Exchanges to take, such as NYSE.")
@click.option("--symbols-limit", type=int, help="Only the first so many tickers, by the alphabet.")
@click.option("--start-date", help="First trading day, such as 2015-01-02.")
@click.option("--end-date", help="Last trading day.")
@click.option("--sample-frac", type=float, help="Share of tickers or rows to take at random.")
@click.option(
    "--sample-by", type=click.Choice(["ticker", "row"]), help="Whole tickers (default) or rows."
)
@click.option("--seed", type=int, help="Seed of the sample.")
def export_ml_dataset(dataset: str | None, **options: Any) -> None:
    """Features and forward outcomes of many tickers in one file.

    Without options, the datasets of the settings. With options, a dataset whose name says what it
    holds; the same options give the same file.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if dataset and given:
        raise click.UsageError("--dataset names what the settings hold; it takes no other option")
    if not given:
        known = context.settings().datasets
        if dataset and dataset not in known:
            raise click.UsageError(
                f"dataset {dataset} is not in the settings; there are: {', '.join(known) or 'none'}"
            )
        names = [dataset] if dataset else list(known)
    else:
        names = [requested(given)]
    build(*(context.research_files().ml_dataset.format(dataset=name) for name in names))
    show(("dataset", "rows", "tickers", "first day", "last day", "file"), map(_row, names))


def requested(options: dict[str, Any]) -> str:
    """Name of the dataset of these options; its request is then in its folder."""
    request = checked(DatasetRequest, options, "export-ml-dataset")
    name = dataset_name(request)
    path = Path(context.research_files().ml_dataset_request.format(dataset=name))
    text = yaml.safe_dump(request.options(), sort_keys=False)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return name


def _row(name: str) -> tuple[Any, ...]:
    metadata = json.loads(
        Path(context.research_files().ml_dataset_metadata.format(dataset=name)).read_text(
            encoding="utf-8"
        )
    )
    days = metadata["date_range"]
    file = context.research_files().ml_dataset.format(dataset=name)
    return name, metadata["rows"], metadata["symbols"], days["first"], days["last"], file


COMMANDS = (export_ml_dataset,)
