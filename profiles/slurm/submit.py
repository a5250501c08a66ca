#!/usr/bin/env python3
"""Submit a job of Snakemake's to SLURM: `submit.py SCRIPT` prints its number."""

import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import cluster

OPTIONS = {
    "mem_mb": "--mem={}M",
    "runtime": "--time={}",
    "slurm_partition": "--partition={}",
    "slurm_account": "--account={}",
}


def submitted(job, name, script):
    """Number of a job that SLURM has taken."""
    resources = job["resources"]
    command = [
        "sbatch",
        "--parsable",
        "--no-requeue",  # it is Snakemake that tries again
        f"--job-name={name}",
        f"--output={cluster.FOLDER}/%j.log",
        f"--cpus-per-task={job['threads']}",
        *(text.format(resources[key]) for key, text in OPTIONS.items() if resources.get(key)),
        *shlex.split(resources.get("slurm_extra") or ""),
    ]
    queue = ("squeue", "--noheader", "--format=%A", f"--name={name}")
    number = cluster.asked_again(
        lambda: cluster.run(*command, script=script), lambda: cluster.run(*queue).stdout.strip()
    )
    return number.partition(";")[0]


if __name__ == "__main__":
    cluster.submit(sys.argv[1], submitted, "SLURM_JOB_ID")
