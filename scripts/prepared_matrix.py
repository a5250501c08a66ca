"""Prepared matrix: a dataset split by time, scaled and clipped, as models read it."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.preparation.prepare import prepare
from mf_etl.research.preparation.spec import PreparationSpec
from mf_etl.settings.steps import StepSettings


def main(
    ml_dataset: Path,
    ml_dataset_metadata: Path,
    prepared_matrix: Path,
    *,
    preparation: PreparationSpec,
    settings: StepSettings,
    threads: int,
) -> None:
    folder = prepared_matrix.parent
    prepare(
        ml_dataset,
        ml_dataset_metadata,
        preparation,
        folder,
        options=settings.storage,
        threads=threads,
    )


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
