"""Clustering seed: one clustering of a stability study."""

from pathlib import Path

from mf_etl import job
from mf_etl.research.models.cluster_spec import ClusteringSpec
from mf_etl.research.runs.cluster_stability import write_seed


def main(prepared: list[Path], seed_metrics: Path, *, spec: ClusteringSpec, threads: int) -> None:
    write_seed(prepared[0].parent, spec, seed_metrics.parent, threads=threads)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
