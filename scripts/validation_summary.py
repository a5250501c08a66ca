"""Summary of a validation: its findings and the verdict on them."""

import json
from pathlib import Path

from mf_etl import job
from mf_etl.io import write_json
from mf_etl.research.validation import stamp
from mf_etl.research.validation.counting import trials_told
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.summary import Found, summary


def main(
    ml_dataset_metadata: Path,
    validation_summary: Path,
    tables: list[Path],
    trials: list[Path],
    *,
    cells: int,
    asked: ValidationRequest,
) -> None:
    metadata = json.loads(ml_dataset_metadata.read_text(encoding="utf-8"))
    tried = trials_told(trials, cells, asked.extra_trials)
    found = summary(Found.of(tables), metadata, asked, tried)
    write_json(stamp.told(found, asked), validation_summary)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
