"""What followed each state out of sample: means with errors, tests, differences of states."""

from pathlib import Path

from mf_etl import job
from mf_etl.io import write_csv, write_json
from mf_etl.research.validation import stamp
from mf_etl.research.validation.outcome_tables import outcome_tables, tickers_by_state
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.stored import read_stored
from mf_etl.schemas.validation_tables import PAIRS, STATE_OUTCOMES
from mf_etl.settings.steps import StepSettings


def main(
    labels: Path,
    matching: Path,
    state_sums: Path,
    state_outcomes: Path,
    state_outcomes_csv: Path,
    pairs: Path,
    state_tests: Path,
    *,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    sums = read_stored(state_sums, matching)
    table, of_pairs, told = outcome_tables(sums, tickers_by_state(labels, sums.states), asked)
    STATE_OUTCOMES.write(table, state_outcomes, stamp.storage(settings.storage, asked))
    write_csv(stamp.rows(table, asked), state_outcomes_csv)
    PAIRS.write(of_pairs, pairs, stamp.storage(settings.storage, asked))
    write_json(stamp.told(told, asked), state_tests)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
