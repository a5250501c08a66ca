"""The run history up to this run, which is told at its end."""

from pathlib import Path

from mf_etl import job
from mf_etl.report.history import write_history


def main(report_build: Path, *, run_history: str) -> None:
    write_history(Path(run_history), report_build)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
