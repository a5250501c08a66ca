"""Placebo: how far apart the labels are when all of them are shifted to other days."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.validation import stamp
from mf_etl.research.validation.outcome_tables import stored_draws
from mf_etl.research.validation.placebo import placebo_table
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.rows import MarketDays
from mf_etl.research.validation.stored import read_stored
from mf_etl.schemas.validation_tables import PLACEBO
from mf_etl.settings.steps import StepSettings


def main(
    ml_dataset: Path,
    equal_weight_market: Path,
    labels: Path,
    matching: Path,
    state_sums: Path,
    state_tests: Path,
    placebo: Path,
    *,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    market = MarketDays.read(equal_weight_market, [asked.h], asked.min_names)
    sums, draws = read_stored(state_sums, matching), stored_draws(state_tests, asked)
    table = placebo_table(ml_dataset, labels, market, sums, draws, asked)
    PLACEBO.write(table, placebo, stamp.storage(settings.storage, asked))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
