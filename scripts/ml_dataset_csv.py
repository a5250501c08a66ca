"""Research dataset as comma-separated values."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.datasets.comma_separated import write_dataset_csv


def main(ml_dataset: Path, ml_dataset_csv: Path) -> None:
    write_dataset_csv(ml_dataset, ml_dataset_csv)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
