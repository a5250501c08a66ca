"""Clustering cell: one clustering of a sweep, as a row with its status."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.runs.cluster_sweep import write_cell


def main(prepared: list[Path], cell_row: Path, *, spec: ClusteringSpec, threads: int) -> None:
    write_cell(prepared[0].parent, spec, cell_row, threads=threads)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
