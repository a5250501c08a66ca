"""Commands around the settings and the folders they name."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mf_etl.catalog import aggregates, catalog, research, run_history
from mf_etl.cli import context
from mf_etl.cli.tables import show
from mf_etl.settings.model import FILE_VARIABLE
from mf_etl.settings.origins import origins

LOG = "etl.log"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def show_config(as_json: bool) -> None:
    """The settings in force, each with where it came from.

    A setting comes from config/config.yaml, or the file that MF_ETL_SETTINGS_FILE names, then from
    MF_ETL_ variables; docs/options.md tells what each means.
    """
    found = origins(context.settings())
    if as_json:
        click.echo(json.dumps([setting._asdict() for setting in found], indent=2, default=str))
        return
    show(
        ("setting", "from", "value"),
        [(s.key, s.origin, json.dumps(s.value, default=str)) for s in found],
        fold_at=120,
    )


@click.command()
def init_placeholders() -> None:
    """Make the folder layout and the log file; what is there already stays."""
    paths = context.settings().paths
    patterns = [
        *catalog(paths).per_ticker(),
        *vars(aggregates(paths)).values(),
        *vars(research(paths)).values(),
    ]
    folders = {Path(pattern.partition("{")[0].rpartition("/")[0]) for pattern in patterns}
    for folder in sorted({*folders, run_history(paths), Path(paths.logs_root)}):
        folder.mkdir(parents=True, exist_ok=True)
        click.echo(folder)
    log = Path(paths.logs_root, LOG)
    log.touch()
    click.echo(log)
    if not Path(paths.raw_root).is_dir():
        click.echo(
            f"Next: unpack the archive and name its folder, MF_ETL_PATHS__RAW_ROOT or "
            f"paths.raw_root ({FILE_VARIABLE} names the settings file); {paths.raw_root} is no folder",
            err=True,
        )


COMMANDS = (show_config, init_placeholders)
