"""All runs beside each other."""

from pathlib import Path
from typing import Any

from mf_etl import job
from mf_etl.report.index import run_row
from mf_etl.report.pages import page, write


def main(report_runs: Path, *, named: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    rows, more = (
        [run_row(**run) | {"linked": linked, "validations": []} for run in part]
        for part, linked in ((named, True), (others, False))
    )
    values = {"title": "Runs", "rows": rows, "others": more, "has_validation": False}
    write(page("runs.html", here="Runs", depth=1, **values), report_runs)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
