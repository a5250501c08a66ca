"""Borders of a validation: the years of test, and the days that each is fitted on."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.preparation.source import Source
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.walk_forward.folds import folds_of, write_folds


def main(ml_dataset: Path, borders: Path, *, asked: ValidationRequest) -> None:
    every_day = PreparationSpec(features=("delta_flow_20",), split_mode="none")
    days = Source(ml_dataset, every_day).trading_days()
    write_folds(folds_of(days, asked.last_folds), days, asked, borders)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
