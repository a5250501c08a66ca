"""HMM seed: one model of a stability study."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.runs.hmm_stability import write_seed


def main(prepared: list[Path], seed_metrics: Path, *, spec: HmmSpec, threads: int) -> None:
    write_seed(prepared[0].parent, spec, seed_metrics.parent, threads=threads)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
