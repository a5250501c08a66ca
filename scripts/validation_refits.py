"""Refits of a run's model on tickers drawn with replacement, as one table."""

import json
from pathlib import Path

import polars as pl

from mf_etl import job
from mf_etl.research.validation import stamp
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.schemas.validation_tables import REFITS
from mf_etl.settings.steps import StepSettings


def main(
    draws: list[Path], refits: Path, *, asked: ValidationRequest, settings: StepSettings
) -> None:
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in draws]
    table = pl.DataFrame([{n: row[n] for n in REFITS.names} for row in rows], REFITS.schema())
    REFITS.write(table, refits, stamp.storage(settings.storage, asked))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
