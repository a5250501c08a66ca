"""The `mf-etl` command: every command that builds something is a set of Snakemake targets."""

from mf_etl.cli.main import main

__all__ = ["main"]
