"""The page of a validation."""

from pathlib import Path

from mf_etl import job
from mf_etl.report.pages import write
from mf_etl.report.run_pages import validation_page


def main(report_validation: Path, *, folder: str) -> None:
    write(validation_page(Path(folder)), report_validation)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
