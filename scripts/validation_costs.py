"""The portfolio at other costs, and a day late."""

from pathlib import Path

import polars as pl

from mf_etl import job
from mf_etl.research.validation import simulation, stamp
from mf_etl.research.validation.reading import read_labelled_days
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.schemas.validation_tables import COSTS
from mf_etl.settings.steps import StepSettings


def main(
    ml_dataset: Path,
    labels: Path,
    held: Path,
    costs: Path,
    *,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    both = simulation.held_of(pl.read_parquet(held, glob=False), asked)
    table = simulation.costs_of(read_labelled_days(ml_dataset, labels), both)
    COSTS.write(table, costs, stamp.storage(settings.storage, asked))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
