"""States that paid in each fold's train rows: what a portfolio of the fold holds."""

from pathlib import Path

import polars as pl

from mf_etl import job
from mf_etl.research.validation import stamp
from mf_etl.research.validation.held import held_states
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.schemas.validation_tables import HELD_STATES
from mf_etl.settings.steps import StepSettings


def main(state_sums: Path, held: Path, *, asked: ValidationRequest, settings: StepSettings) -> None:
    sums = pl.read_parquet(state_sums, glob=False)
    table = held_states(sums, h=asked.h, replications=asked.replications, seed=asked.seed)
    HELD_STATES.write(table, held, stamp.storage(settings.storage, asked))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
