"""An evaluation holds few numbers a row: of a market, each costs as much as a small library."""

from __future__ import annotations

import tracemalloc
from functools import partial

import numpy as np

from mf_etl.research.evaluation.groups import Groups
from mf_etl.research.evaluation.profiles import profiles
from mf_etl.research.evaluation.transitions import dwell_lengths, flow_states
from tests.mf_etl.research.evaluation.cases import AHEAD, PAST, labelled_rows

DAYS, STATES = 2_000, 4
BYTES_A_ROW = 25


def peak_bytes(folder, tickers: int) -> int:
    """Highest memory of Python and numpy in an evaluation of so many tickers in two views."""
    rows = tickers * DAYS
    random = np.random.default_rng(tickers)
    states = np.repeat(random.integers(0, STATES, rows // 20), 20)
    names = ("tmf_21", "atr_pct_14", "close", "delta_flow_20", "fwd_ret_10", "fwd_xs_10")
    labelled = labelled_rows(
        folder / str(tickers),
        {"filtered": states, "hindsight": states},
        lengths=(DAYS,) * tickers,
        states=STATES,
        train=DAYS // 2,
        views=(PAST, AHEAD),
        flow_state_code=random.integers(0, 5, rows).astype(np.int8),
        **{name: random.normal(size=rows).astype(np.float32) for name in names},
    )
    tracemalloc.start()
    try:
        groups = Groups.of(labelled)
        for table in (partial(profiles, features=names[:4]), dwell_lengths, flow_states):
            table(groups)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_of_an_evaluation_grows_by_few_bytes_a_row(tmp_path):
    peak_bytes(tmp_path, 5)  # what is compiled and remembered once
    few, many = peak_bytes(tmp_path, 10), peak_bytes(tmp_path, 110)
    assert (many - few) / (100 * DAYS) < BYTES_A_ROW
