"""Labels out of sample, from the runs of the folds, and what is told of each fold."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.validation import stamp
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.walk_forward.labels import runs_in_order, write_labels
from mf_etl.settings.steps import StepSettings


def main(
    ml_dataset: Path,
    borders: Path,
    run_specs: list[Path],
    labels: Path,
    folds: Path,
    matching: Path,
    *,
    asked: ValidationRequest,
    settings: StepSettings,
) -> None:
    runs = runs_in_order(borders, run_specs, asked)
    options = stamp.storage(settings.storage, asked)
    write_labels(runs, ml_dataset, labels, folds, matching, options=options)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
