#!/usr/bin/env python3
"""How a job of SLURM's stands: `status.py NUMBER` prints running, success or failed.

It needs no accounting. While SLURM does not answer, a job counts as running.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import cluster

GONE = "GONE"
STOPPED = {
    "CANCELLED": "cancelled",
    "TIMEOUT": "stopped after its time limit of {minutes} minutes",
    "DEADLINE": "stopped at its deadline",
    "OUT_OF_MEMORY": "stopped for its use of memory",
    "NODE_FAIL": "lost with its node",
    "BOOT_FAIL": "lost with its node",
    "PREEMPTED": "stopped for a job of higher priority",
    GONE: "lost: SLURM does not know it",
}


def state_of(number):
    """The state of a job as SLURM has it; empty if SLURM does not answer."""
    done = cluster.run("scontrol", "--oneliner", "show", "job", number)
    if found := re.search(r" JobState=(\w+)", done.stdout):
        return found[1]
    return GONE if "Invalid job id" in done.stderr else ""


def main(number):
    code = cluster.exit_code(number)
    state = "COMPLETED" if code == 0 else state_of(number)
    if state == "COMPLETED":
        cluster.success(number)
    elif state in STOPPED and not (state == GONE and code):
        cluster.failed(number, STOPPED[state])
    elif state in ("FAILED", GONE) or (code and not state):
        cluster.failed(number)
    else:
        print("running")


if __name__ == "__main__":
    main(sys.argv[1])
