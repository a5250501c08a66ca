"""Whether states mean the same from year to year, and do what they did in train."""

from pathlib import Path

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.research.validation import stamp
from mf_etl.research.validation.outcome_tables import stored_draws
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.stored import read_stored
from mf_etl.research.walk_forward.labels import matched_folds, runs_in_order
from mf_etl.research.walk_forward.stability import stability_tables
from mf_etl.schemas.validation_tables import BY_YEAR
from mf_etl.settings.steps import StepSettings


def main(
    borders: Path,
    run_specs: list[Path],
    labels: Path,
    matching: Path,
    state_sums: Path,
    state_tests: Path,
    by_year: Path,
    drift: Path,
    *,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    runs = runs_in_order(borders, run_specs, asked)
    sums, draws = read_stored(state_sums, matching), stored_draws(state_tests, asked)
    table, told = stability_tables(runs, matched_folds(runs), labels, sums, draws, asked)
    BY_YEAR.write(table, by_year, stamp.storage(settings.storage, asked))
    write_json(stamp.told(told, asked), drift)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
