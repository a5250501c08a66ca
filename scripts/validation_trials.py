"""Trials: each state by itself, long and short, held for each horizon."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.validation import stamp
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.simulation import trial_grid
from mf_etl.schemas.validation_tables import TRIALS
from mf_etl.settings.steps import StepSettings


def main(
    ml_dataset: Path,
    labels: Path,
    trials: Path,
    *,
    run: str,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    table = trial_grid(ml_dataset, labels, asked, run)
    TRIALS.write(table, trials, stamp.storage(settings.storage, asked))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
