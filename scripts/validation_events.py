"""Changes of state as events: the mean path around them, and what they came to."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.validation import stamp
from mf_etl.research.validation.event_tables import DAY, event_tables
from mf_etl.research.validation.outcome_tables import stored_draws
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.rows import MarketDays
from mf_etl.research.validation.stored import read_stored
from mf_etl.schemas.validation_tables import EVENT_PATHS, EVENT_SUMMARY
from mf_etl.settings.steps import StepSettings


def main(
    ml_dataset: Path,
    equal_weight_market: Path,
    labels: Path,
    matching: Path,
    state_sums: Path,
    state_tests: Path,
    event_paths: Path,
    event_summary: Path,
    *,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    market = MarketDays.read(equal_weight_market, [DAY], asked.min_names)
    states, draws = read_stored(state_sums, matching).states, stored_draws(state_tests, asked)
    paths, summary = event_tables(ml_dataset, labels, market, states, draws, asked)
    EVENT_PATHS.write(paths, event_paths, stamp.storage(settings.storage, asked))
    EVENT_SUMMARY.write(summary, event_summary, stamp.storage(settings.storage, asked))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
