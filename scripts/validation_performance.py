"""Performance: what the days of each portfolio come to, after so many trials."""

from pathlib import Path

import polars as pl

from mf_etl import job
from mf_etl.research.validation import stamp
from mf_etl.research.validation.counting import counted, trial_tables
from mf_etl.research.validation.performance import performance_table
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.schemas.validation_tables import PERFORMANCE
from mf_etl.settings.steps import StepSettings


def main(
    positions: Path,
    daily: Path,
    trials: list[Path],
    performance: Path,
    *,
    cells: int,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    of_days, of_names = (pl.read_parquet(path, glob=False) for path in (daily, positions))
    tried = counted(trial_tables(trials), cells + asked.extra_trials)
    table = performance_table(of_days, of_names, tried, h=asked.h)
    PERFORMANCE.write(table, performance, stamp.storage(settings.storage, asked))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
