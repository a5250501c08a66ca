"""``python -m mf_etl.synth``: write a synthetic archive."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from mf_etl.synth.archive import LAST_DAY, ArchiveSummary, write_archive


class WrongUsage(click.ClickException):
    """What cannot be asked for, in one line."""

    exit_code = 2


@click.command("synth", context_settings={"show_default": True})
@click.option("--tickers", type=click.IntRange(min=1), required=True, help="Number of tickers.")
@click.option("--years", type=float, required=True, help=f"Years of bars, up to {LAST_DAY}.")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Same seed, same bytes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="A new or empty folder, or an old archive.",
)
@click.option("--processes", type=click.IntRange(min=1), default=1, help="Worker processes.")
@click.option("--anomalies/--no-anomalies", default=True, help="Plant anomalies in 1 file of 20.")
@click.option("--truth", is_flag=True, help="Write the regimes and anomalies beside the raw files.")
@click.option(
    "--pays",
    type=float,
    help="A market in common, and regimes that pay so many times their drift; 0: none pays.",
)
def main(
    tickers: int,
    years: float,
    seed: int,
    out: Path,
    processes: int,
    anomalies: bool,
    truth: bool,
    pays: float | None,
) -> None:
    """Write a synthetic archive of daily US stock files in the Stooq layout."""
    try:
        summary = write_archive(
            out,
            tickers=tickers,
            years=years,
            seed=seed,
            anomalies=anomalies,
            processes=processes,
            truth=truth,
            pays=pays,
        )
    except ValueError as error:
        raise WrongUsage(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or out}: {error.strerror or error}") from None
    _report(summary)


def _report(summary: ArchiveSummary) -> None:
    click.echo(
        f"{summary.files:,} files of {summary.tickers:,} tickers, {summary.rows:,} rows, "
        f"{summary.size_bytes / 1e6:,.1f} MB, {summary.first_date} to {summary.last_date}, "
        f"in {summary.out}"
    )
    if summary.anomalies:
        kinds = Counter(anomaly.kind for anomaly in summary.anomalies)
        counts = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        click.echo(f"{len(summary.anomalies):,} anomalies: {counts}")


if __name__ == "__main__":
    main(prog_name="python -m mf_etl.synth")
