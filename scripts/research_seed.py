"""Seed of a stability study: one fit and its labels."""

from pathlib import Path
from typing import Any

from mf_etl import job
from mf_etl.research.runs.requests import spec_of
from mf_etl.research.runs.stability import write_seed


def main(
    prepared: list[Path],
    ml_dataset: Path,
    seed_metrics: Path,
    *,
    research: str,
    spec: dict[str, Any],
    threads: int,
) -> None:
    asked = spec_of(research, spec)
    folder = prepared[0].parent
    write_seed(folder, ml_dataset, research, asked, seed_metrics.parent, threads=threads)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
