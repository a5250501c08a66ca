#!/usr/bin/env python3
"""How a job of Grid Engine's stands: `status.py NUMBER` prints running, success or failed.

While Grid Engine does not answer, a job counts as running.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import cluster


def main(number):
    code = cluster.exit_code(number)
    if code == 0:
        cluster.success(number)
    elif code:
        cluster.failed(number)
    elif "do not exist" in cluster.run("qstat", "-j", number).stderr:
        cluster.failed(number, "stopped: deleted, over its time or memory, or lost with its node")
    else:
        print("running")


if __name__ == "__main__":
    main(sys.argv[1])
