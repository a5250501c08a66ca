"""Clustering sweep: the rows of its cells, joined and drawn."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.runs.cluster_sweep import join_cells


def main(
    cells: list[Path],
    clustering_sweep_csv: Path,
    clustering_sweep_json: Path,
    clustering_sweep_figure: Path,
) -> None:
    join_cells(cells, clustering_sweep_csv, clustering_sweep_json, clustering_sweep_figure)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
