"""HMM sweep: the rows of its cells, joined and drawn."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.runs.hmm_sweep import join_cells


def main(
    cells: list[Path],
    hmm_sweep_summary: Path,
    hmm_sweep_summary_csv: Path,
    hmm_sweep_figure: Path,
) -> None:
    join_cells(cells, hmm_sweep_summary, hmm_sweep_summary_csv, hmm_sweep_figure)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
