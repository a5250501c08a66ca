"""A dataset file from elsewhere as one of this build."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.datasets.adopted import adopt_dataset


def main(file: Path, ml_dataset: Path, ml_dataset_metadata: Path) -> None:
    adopt_dataset(file, ml_dataset, ml_dataset_metadata)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
