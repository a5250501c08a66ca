"""Probability of overfitting: does what was best in one half of the days stay so in the other?"""

from pathlib import Path

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.research.validation import stamp
from mf_etl.research.validation.counting import pbo_of, trial_tables
from mf_etl.research.validation.request import ValidationRequest


def main(trials: list[Path], pbo: Path, *, asked: ValidationRequest) -> None:
    write_json(stamp.told(pbo_of(trial_tables(trials)), asked), pbo)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
