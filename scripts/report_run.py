"""The page of a run, a sweep or a stability study."""

from pathlib import Path

from mf_etl import job
from mf_etl.report.pages import write
from mf_etl.report.run_pages import run_page


def main(report_run: Path, *, research: str, run: str, kind: str, runs_root: str) -> None:
    write(run_page(Path(runs_root), run, research, kind), report_run)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
