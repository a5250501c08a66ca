"""How long states last out of sample, and whether that is what the models say."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.validation import stamp
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.walk_forward.dwell import dwell_table
from mf_etl.research.walk_forward.labels import matched_folds, runs_in_order
from mf_etl.schemas.validation_tables import DWELL
from mf_etl.settings.steps import StepSettings


def main(
    borders: Path,
    run_specs: list[Path],
    labels: Path,
    dwell: Path,
    *,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    runs = runs_in_order(borders, run_specs, asked)
    table = dwell_table(runs, matched_folds(runs), labels, seed=asked.seed)
    DWELL.write(table, dwell, stamp.storage(settings.storage, asked))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
