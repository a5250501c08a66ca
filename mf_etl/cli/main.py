"""All commands, in the order in which one meets them."""

from __future__ import annotations

import sys
from typing import Any

import click

from mf_etl.cli import (
    export,
    interrupts,
    layers,
    pages,
    project,
    quality,
    raw,
    research,
    settings,
    upkeep,
    validation,
)
from mf_etl.errors import MfEtlError

FAMILIES = (
    ("Set up", settings.COMMANDS),
    ("Look at raw files, writing nothing", raw.COMMANDS),
    ("Build layers, for one ticker or for all", layers.COMMANDS),
    ("Check", quality.COMMANDS),
    (
        "Research",
        (
            *export.COMMANDS,
            *research.COMMANDS,
            *research.LATER_COMMANDS,
            *validation.COMMANDS,
        ),
    ),
    ("Look at it", pages.COMMANDS),
    ("Keep in order", upkeep.COMMANDS),
)


NEED_NO_PROJECT = ("synth",)


class Tour(click.Group):
    """A group whose help lists its commands by family; a user's mistake is one line and exit code 2."""

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(context, args)
        asks_for_help = not {*rest}.isdisjoint(context.help_option_names)
        if name not in NEED_NO_PROJECT and not asks_for_help:
            project.enter()
        return name, command, rest

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in FAMILIES:
            with formatter.section(title):
                formatter.write_dl(
                    [(command.name or "", command.get_short_help_str(100)) for command in commands]
                )

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except MfEtlError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            sys.exit(interrupts.INTERRUPTED)
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            sys.stderr.close()
            sys.exit(0)


@click.group(
    cls=Tour,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="mf_etl", prog_name="mf-etl")
def main() -> None:
    """Daily US stock files to research-ready layers and market-regime models.

    A command that builds something asks Snakemake for the files: only what changed is built, and
    `snakemake` itself leads to the same files. What follows `--` goes to Snakemake, such as
    `-- --cores 4`. Settings come from config/config.yaml and MF_ETL_ variables (`show-config`).
    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

    It works in the project that the current folder is in; `synth` works anywhere.

    Completion of commands, options and tickers: eval "$(_MF_ETL_COMPLETE=bash_source mf-etl)",
    or zsh_source, or fish_source.
    """


for _, commands in FAMILIES:
    for command in commands:
        main.add_command(command)
