"""The `mf-etl` command: every command that builds something is a set of Snakemake targets.

Light to import, so that an interrupt while the rest is loaded leaves no traceback.
"""

from mf_etl.cli import interrupts


def main() -> None:
    """Run `mf-etl` with the arguments of this process, and end the process."""
    interrupts.end_at_once()
    from mf_etl.cli.main import main as command

    interrupts.raise_here()
    try:
        command(prog_name="mf-etl")
    finally:
        interrupts.end_at_once()


__all__ = ["main"]
