"""The `mf-etl` command."""

from __future__ import annotations

import click


@click.group()
@click.version_option(package_name="mf_etl", prog_name="mf-etl")
def main() -> None:
    """Daily US stock files to research-ready layers; the workflow itself is run by Snakemake."""


if __name__ == "__main__":
    main()
