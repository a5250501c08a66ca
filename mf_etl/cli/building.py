"""Commands that build: a set of targets, handed to Snakemake in this process's environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from mf_etl.cli import interrupts
from mf_etl.cli.context import universe
from mf_etl.project import SNAKEFILE
from mf_etl.settings.model import DELIMITER, ENV_PREFIX

HOW_MANY = ("--cores", "-c", "--jobs", "-j", "--profile")
"""Options by which a user says how much runs at once."""


class BuildCommand(click.Command):
    """A command that takes Snakemake's own options after `--`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            mark = args.index("--")
            context.meta["snakemake"] = args[mark + 1 :]
            args = args[:mark]
        try:
            return super().parse_args(context, args)
        except click.NoSuchOption as error:
            if _is_snakemakes(error.option_name):
                raise click.UsageError(
                    f"{error.option_name} is an option of Snakemake, and those follow --, as in: "
                    f"{context.command_path} -- {error.option_name} …"
                ) from None
            raise

    def collect_usage_pieces(self, context: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(context), "[-- SNAKEMAKE OPTIONS]"]


def build(
    *targets: str,
    settings: Mapping[str, Any] | None = None,
    force: Sequence[str] = (),
    reads_raw: bool = True,
) -> None:
    """Bring `targets` up to date, with Snakemake's display; ends the process if that fails.

    `settings` go over those in force, by dotted key. `force` names rules whose jobs are done again.
    Raises `UniverseError` if there are no raw files, unless nothing `reads_raw`.
    """
    if reads_raw:
        universe().tickers  # noqa: B018 - says what is wrong before Snakemake starts
    if run(targets, settings=settings, force=force).returncode:
        sys.exit(1)


def run(
    targets: Sequence[str],
    *,
    settings: Mapping[str, Any] | None = None,
    force: Sequence[str] = (),
    options: Sequence[str] = (),
    output: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """Snakemake on `targets`; what it says is shown, unless `output` says where else it goes."""
    extra = click.get_current_context().meta.get("snakemake", [])
    command = [
        sys.executable,
        "-m",
        "mf_etl.cli.launch",
        "--snakefile",
        SNAKEFILE,
        *options,
    ]
    if not any(_is_option(argument, name) for argument in extra for name in HOW_MANY):
        command += ["--cores", "all"]
    if force:
        command += ["--forcerun", *force]
    command += [*extra, "--", *targets] if "--" not in extra else [*extra, *targets]
    environment = os.environ | _variables(settings or {})
    child = subprocess.Popen(command, env=environment, stdout=output, stderr=output, text=True)
    was_interrupted = False
    before = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while True:
        try:
            told, _ = child.communicate()
            break
        except KeyboardInterrupt:  # Snakemake has got it too, and ends in good order
            was_interrupted = True
    signal.signal(signal.SIGTERM, before)
    if was_interrupted:
        click.echo("Interrupted; what is finished stays, and the same command goes on.", err=True)
        sys.exit(interrupts.INTERRUPTED)
    return subprocess.CompletedProcess(command, child.returncode, told)


def _is_snakemakes(option: str) -> bool:
    """Whether Snakemake has such an option; its parser is slow to load and asked in an error only."""
    from snakemake.cli import get_argument_parser

    return option in get_argument_parser()._option_string_actions


def _is_option(argument: str, name: str) -> bool:
    """Whether `argument` is the option `name`, alone or with its value: `--cores=4`, `-c4`."""
    joined = name if len(name) == 2 else f"{name}="
    return argument == name or argument.startswith(joined)


def _variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as environment variables: jobs on a cluster see these, too."""
    return {
        ENV_PREFIX + key.replace(".", DELIMITER).upper(): (
            value if isinstance(value, str) else json.dumps(value)
        )
        for key, value in settings.items()
    }
