#!/usr/bin/env python3
"""Submit a job of Snakemake's to Grid Engine: `submit.py SCRIPT` prints its number."""

import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import cluster


def submitted(job, name, script):
    """Number of a job that Grid Engine has taken."""
    resources, threads = job["resources"], job["threads"]
    command = [
        *("qsub", "-terse", "-cwd", "-V", "-r", "n", "-S", "/bin/bash", "-N", name),
        *("-j", "y", "-o", f"{cluster.FOLDER}/$JOB_ID.log"),
        *("-pe", resources.get("sge_parallel_environment") or "smp", str(threads)),
        # Grid Engine counts memory by the core, and time in seconds.
        *("-l", f"h_vmem={resources['mem_mb'] // threads}M"),
        *("-l", f"h_rt={resources['runtime'] * 60}"),
        *shlex.split(resources.get("sge_extra") or ""),
    ]
    return cluster.asked_again(lambda: cluster.run(*command, script=script), lambda: "")


if __name__ == "__main__":
    cluster.submit(sys.argv[1], submitted, "JOB_ID")
