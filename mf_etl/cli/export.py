"""The command that makes a dataset from options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml

from mf_etl.cli import context
from mf_etl.cli.building import BuildCommand, build
from mf_etl.cli.fields import refuse_other_names
from mf_etl.cli.tables import near, show
from mf_etl.io import replacing
from mf_etl.research.datasets.naming import dataset_name
from mf_etl.research.datasets.request import DatasetRequest, checked
from mf_etl.research.datasets.selection import Listing, selected
from mf_etl.settings.model import DatasetName


@click.command(cls=BuildCommand)
@click.option("--dataset", help="A dataset of the settings, instead of options.")
@click.option(
    "--name", help="Name of the dataset of these options; without it, one that tells them."
)
@click.option(
    "--csv", is_flag=True, help="Also as comma-separated values, beside the Parquet file."
)
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
def export_ml_dataset(dataset: str | None, name: str | None, csv: bool, **options: Any) -> None:
    """Features and forward outcomes of many tickers in one file.

    Without options, the datasets of the settings. With options, a dataset of that name, or of one that
    says what it holds; the same options give the same file.
    """
    given = {option: value for option, value in options.items() if value is not None}
    if dataset is not None and (given or name is not None):
        raise click.UsageError("--dataset names what the settings hold; it takes no other option")
    if not given and name is None:
        known = context.settings().datasets
        if dataset is not None and dataset not in known:
            raise click.UsageError(
                f"dataset {dataset} is not in the settings; there are: {', '.join(known) or 'none'}"
                f"{near(dataset, known)}"
            )
        names = list(known) if dataset is None else [dataset]
    else:
        names = [requested(given, name)]
    files = context.research_files()
    wanted = [files.ml_dataset, files.ml_dataset_csv] if csv else [files.ml_dataset]
    build(*(pattern.format(dataset=name) for name in names for pattern in wanted))
    rows = [_row(name, pattern) for name in names for pattern in wanted]
    show(("dataset", "rows", "tickers", "first day", "last day", "file"), rows)


def requested(options: dict[str, Any], name: str | None) -> str:
    """Name of the dataset of these options; its request is then in its folder.

    A `name` of one's own stands for the options that were given with it last. Raises `ResearchError`
    for options that cannot be, or that take no ticker.
    """
    request = checked(DatasetRequest, options, "export-ml-dataset")
    if name is None:
        name = dataset_name(request)
    elif name in context.settings().datasets:
        raise click.UsageError(
            f"{name} is a dataset of the settings: --dataset {name} exports it; choose another name"
        )
    else:
        refuse_other_names("--name", name, DatasetName)
    if request.file is None:
        raw = (context.universe().file(*pair) for pair in context.universe().tickers)
        selected((Listing(f.exchange, f.ticker, f.instrument, Path()) for f in raw), request)
    path = Path(context.research_files().ml_dataset_request.format(dataset=name))
    text = yaml.safe_dump(request.options(), sort_keys=False)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return name


def _row(name: str, pattern: str) -> tuple[Any, ...]:
    metadata = json.loads(
        Path(context.research_files().ml_dataset_metadata.format(dataset=name)).read_text(
            encoding="utf-8"
        )
    )
    days = metadata["date_range"]
    file = pattern.format(dataset=name)
    return name, metadata["rows"], metadata["symbols"], days["first"], days["last"], file


COMMANDS = (export_ml_dataset,)
