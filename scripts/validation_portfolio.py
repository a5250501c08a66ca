"""Portfolio of the states that paid in train: what it held and what each day brought."""

from pathlib import Path

import polars as pl

from mf_etl import job
from mf_etl.research.validation import stamp
from mf_etl.research.validation.reading import read_labelled_days
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.simulation import held_of, portfolio_of
from mf_etl.schemas.validation_tables import DAILY, POSITIONS
from mf_etl.settings.steps import StepSettings


def main(
    ml_dataset: Path,
    labels: Path,
    held: Path,
    positions: Path,
    daily: Path,
    *,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    both = held_of(pl.read_parquet(held, glob=False), asked)
    of_names, of_days = portfolio_of(read_labelled_days(ml_dataset, labels), both)
    POSITIONS.write(of_names, positions, stamp.storage(settings.storage, asked))
    DAILY.write(of_days, daily, stamp.storage(settings.storage, asked))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
