"""Steps, runs, starts and flow states of labels, by hand; Kaplan–Meier against its definition."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.research.evaluation.groups import Groups
from mf_etl.research.evaluation.transitions import (
    dwell_lengths,
    dwell_stats,
    flow_states,
    kaplan_meier,
    run_lengths,
    runs_within,
    start_distribution,
    transition_counts,
)
from tests.mf_etl.research.evaluation.cases import AHEAD, PAST, labelled_rows

#           T0: six days, four of train     T1: four days of train
LABELS = [0, 0, 1, 1, 1, 0, 2, 2, 0, 0]
LATER = [0, 0, 0, 1, 1, 1, 0, 2, 2, -1]


@pytest.fixture
def groups(tmp_path):
    return Groups.of(
        labelled_rows(
            tmp_path,
            {"filtered": LABELS, "hindsight": LATER},
            lengths=(6, 4),
            states=3,
            train=4,
            views=(PAST, AHEAD),
            flow_state_code=pl.Series([1, 1, 2, 2, 2, 1, 3, 3, 1, None], dtype=pl.Int8),
        )
    )


def test_steps_are_of_the_view_and_the_period_of_the_later_row(groups):
    counts = transition_counts(groups)
    found = {
        (row["view"], row["period"], row["from_state"]): [row["to_0"], row["to_1"], row["to_2"]]
        for row in counts.to_dicts()
    }
    assert [found["filtered", "train", s] for s in range(3)] == [[2, 1, 0], [0, 1, 0], [1, 0, 1]]
    assert [found["filtered", "test", s] for s in range(3)] == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]
    # The last row of the second sequence is noise: no step leads to it.
    assert [found["hindsight", "train", s] for s in range(3)] == [[2, 1, 1], [0, 0, 0], [0, 0, 1]]
    assert dict(counts.select("period", "in_sample").unique().rows()) == {
        "train": True,
        "test": False,
    }


def test_runs_end_with_their_sequence_and_their_period(groups):
    def runs(view, period):
        inside = next(rows for v, p, _, rows in groups.sides() if (v.name, p) == (view, period))
        return runs_within(groups, view, inside)

    found = runs("filtered", "train")
    assert found.labels.tolist() == [0, 1, 2, 0]
    assert found.lengths.tolist() == [2, 2, 2, 2]
    assert found.cut_off.tolist() == [False, True, False, True]
    found = runs("filtered", "test")
    assert (found.labels.tolist(), found.lengths.tolist()) == ([1, 0], [1, 1])
    assert found.cut_off.tolist() == [False, True]
    assert runs("hindsight", "train").labels.tolist() == [0, 1, 0, 2]


def test_lengths_of_runs_are_counted(groups):
    table = dwell_lengths(groups).filter(view="filtered", period="train")
    assert table.select("hmm_state", "length", "count", "cut_off").rows() == [
        (0, 2, 1, 1), (1, 2, 0, 1), (2, 2, 1, 0),
    ]  # fmt: skip
    assert run_lengths(table, "count").tolist() == [2, 2]


def test_dwell_counts_what_is_cut_off_apart(groups):
    table = dwell_stats(groups, dwell_lengths(groups)).filter(view="filtered", period="train")
    assert table["hmm_state"].to_list() == [0, 1, 2]
    assert table["count"].to_list() == [1, 0, 1] and table["cut_off"].to_list() == [1, 1, 0]
    assert table["mean"].to_list() == [2.0, None, 2.0] and table["max"].to_list() == [2, None, 2]
    assert table["km_mean"].to_list() == [2.0, None, 2.0]


def test_kaplan_meier_by_hand():
    """Lengths 2, 3, 5 to their end, and 3, 4 cut off: S = 4/5, 3/5, 3/5, 0 after 2, 3, 4, 5."""
    mean, median = kaplan_meier(np.array([2, 5, 3]), np.array([4, 3]))
    assert mean == pytest.approx(1 * 2 + 0.8 * 1 + 0.6 * 2)
    assert median == 5.0
    assert kaplan_meier(np.array([], dtype=int), np.array([3])) == (None, None)


def test_runs_cut_off_make_dwell_longer_not_shorter():
    """Geometric runs of mean 20 seen through windows of 30 days: the bare mean is far too short."""
    random = np.random.default_rng(0)
    true = random.geometric(1 / 20, 20_000)
    window = random.integers(1, 31, 20_000)
    whole, cut = true[true <= window], window[true > window]
    mean, median = kaplan_meier(whole, cut)
    assert whole.mean() < 9 and median == pytest.approx(np.median(true), abs=1)
    expected = sum(0.95**t for t in range(int(window.max())))
    assert mean == pytest.approx(expected, rel=0.02)


def test_starts_and_flow_states(groups):
    probability = pl.DataFrame({"hmm_state": [0, 1, 2], "start_probability": [0.5, 0.1, 0.4]})
    start = start_distribution(groups, probability).filter(view="filtered", period="train")
    assert start["sequences"].to_list() == [1, 0, 1]
    assert start["start_probability"].to_list() == [0.5, 0.1, 0.4]
    table = flow_states(groups).filter(view="filtered", period="train")
    assert table.select("hmm_state", "flow_state_code", "rows").rows() == [
        (0, 1, 3),
        (1, 2, 2),
        (2, 3, 2),
    ]
    assert table["share_of_label"].to_list() == [1.0, 1.0, 1.0]
