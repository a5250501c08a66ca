"""Sums of outcomes by day, fold, period and state, from labelled rows of train and test."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.validation import stamp
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.walk_forward.labels import matched_folds, runs_in_order
from mf_etl.research.walk_forward.sums import streamed_sums
from mf_etl.schemas.validation_tables import STATE_SUMS
from mf_etl.settings.steps import StepSettings


def main(
    ml_dataset: Path,
    equal_weight_market: Path,
    borders: Path,
    run_specs: list[Path],
    state_sums: Path,
    *,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    runs = runs_in_order(borders, run_specs, asked)
    table = streamed_sums(runs, matched_folds(runs), ml_dataset, equal_weight_market, asked)
    STATE_SUMS.write(table, state_sums, stamp.storage(settings.storage, asked))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
