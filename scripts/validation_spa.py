"""Reality check: is the best of the trials better than its market beyond luck?"""

from pathlib import Path

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.research.validation import stamp
from mf_etl.research.validation.counting import spa_of, trial_tables
from mf_etl.research.validation.outcome_tables import stored_draws
from mf_etl.research.validation.request import ValidationRequest


def main(trials: list[Path], state_tests: Path, spa: Path, *, asked: ValidationRequest) -> None:
    draws = stored_draws(state_tests, asked)
    write_json(stamp.told(spa_of(trial_tables(trials), draws, asked), asked), spa)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
