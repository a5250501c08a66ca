"""Snakemake as `mf-etl` starts it: an interrupt while it loads or plans leaves no traceback."""

from __future__ import annotations

import sys

from mf_etl.cli import interrupts


def main() -> None:
    """Run `snakemake` with the arguments of this process, and end the process."""
    interrupts.end_at_once()
    from snakemake.cli import main as snakemake

    interrupts.raise_here()
    try:
        snakemake(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(interrupts.INTERRUPTED)


if __name__ == "__main__":
    main()
