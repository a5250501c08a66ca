"""All runs beside each other."""

from pathlib import Path
from typing import Any

from mf_etl import job
from mf_etl.report.index import runs_values
from mf_etl.report.pages import page, write

Rows = list[dict[str, Any]]


def main(report_runs: Path, *, named: Rows, others: Rows, validations: Rows) -> None:
    values = runs_values(named, others, validations)
    write(page("runs.html", here="Runs", depth=1, **values), report_runs)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
