"""After a kill at any moment, the next run completes with the bytes of an undisturbed build.

`make test-kill N=200` tries 200 moments.
"""

from __future__ import annotations

import os

import pytest

from tests.workflow.kills import kill_and_restart, new_tree

KILLS = int(os.environ.get("MF_ETL_TEST_KILLS", "2"))
LANES = min(KILLS, int(os.environ.get("MF_ETL_TEST_KILL_LANES", "1")))


@pytest.mark.random
@pytest.mark.parametrize("lane", range(LANES))
def test_the_next_run_after_a_kill_brings_the_same_bytes(tmp_path, lane):
    tree = new_tree(tmp_path / "tree")
    moments = [kill_and_restart(tree, seed) for seed in range(lane, KILLS, LANES)]
    print(f"killed {len(moments)} times between {min(moments):.2f} and {max(moments):.2f} s")
