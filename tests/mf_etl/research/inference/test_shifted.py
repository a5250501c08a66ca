"""Shifted labels against rolling each path, and on labels with and without information."""

from __future__ import annotations

import numpy as np
import pytest

from mf_etl.research.inference.shifted import (
    Path,
    common_shifts,
    paths_of,
    seeded_tickers,
    shifted_labels,
    shifted_sums,
)


def market(seed=0, tickers=5, effect=0.0, states=3):
    random = np.random.default_rng(seed)
    paths = []
    for number in range(tickers):
        rows = 120 + 31 * number
        labels = np.repeat(random.integers(0, states, rows // 10 + 1), 10)[:rows]
        values = 0.02 * random.normal(size=rows) + effect * (labels == 1)
        values[random.random(rows) < 0.2] = np.nan
        labels[random.random(rows) < 0.05] = -1
        paths.append(Path(labels, values))
    return paths


def rolled(paths, states, shift):
    """Rows and sums by state once every path is rolled."""
    count, total = np.zeros((2, states))
    for labels, values in paths:
        if len(labels) < 120:
            continue
        for label, value in zip(np.roll(labels, shift % len(labels)), values, strict=True):
            if label >= 0 and not np.isnan(value):
                count[label] += 1
                total[label] += value
    return count, total


def test_sums_equal_those_of_rolled_paths():
    paths = [*market(), Path(np.zeros(119, dtype=int), np.ones(119))]
    shifts = np.array([0, 60, 61, 119, 120, 187, 500])
    count, total, used = shifted_sums(paths, 3, shifts)
    assert used == 5
    for row, shift in enumerate(shifts):
        rows, sums = rolled(paths, 3, shift)
        np.testing.assert_array_equal(count[row], rows)
        np.testing.assert_allclose(total[row], sums, atol=1e-12)


def test_the_separation_is_ranked_among_those_of_all_shifts():
    paths, shifts = market(2), np.arange(60, 160)
    got = shifted_labels(paths, 3, shifts)

    def apart(shift):
        rows, sums = rolled(paths, 3, shift)
        return np.ptp(sums / rows)

    every = [apart(shift) for shift in shifts]
    assert got.value == pytest.approx(apart(0))
    np.testing.assert_allclose(got.separations, every)
    assert got.p == (1 + sum(one >= apart(0) for one in every)) / 101


def test_labels_with_information_are_told_from_those_without():
    shifts = common_shifts(244, 99, 0)
    assert shifted_labels(market(3, effect=0.02), 3, shifts).p == 0.01
    chance = [shifted_labels(market(seed), 3, shifts).p for seed in range(40)]
    assert sum(p <= 0.05 for p in chance) <= 6
    assert 0.3 < np.mean(chance) < 0.7


def test_shifts_are_of_60_rows_at_least_each_once_and_seeded():
    shifts = common_shifts(1000, 99, 7)
    assert len(set(shifts)) == 99 and shifts.min() >= 60 and shifts.max() <= 940
    assert (shifts == common_shifts(1000, 99, 7)).all()
    assert (shifts != common_shifts(1000, 99, 8)).any()
    assert sorted(common_shifts(130, 99, 0)) == list(range(60, 71))
    assert len(common_shifts(119, 99, 0)) == 0


def test_nothing_to_tell_without_paths_states_or_shifts():
    none = shifted_labels([], 3, np.array([60]))
    assert none.value is None and none.p is None and none.paths == 0
    assert shifted_labels(market(), 3, np.array([], dtype=int)).p is None
    one_state = [Path(np.zeros(200, dtype=int), np.ones(200))]
    assert shifted_labels(one_state, 1, np.array([60])).p is None


def test_w_is_the_quadratic_form_of_each_shift():
    paths, shifts = market(5), np.array([60, 99])
    weight = np.array([[2.0, -1, -1], [-1, 2, -1], [-1, -1, 2]])
    got = shifted_labels(paths, 3, shifts, weight=weight)
    for w, shift in zip(got.w, shifts, strict=True):
        rows, sums = rolled(paths, 3, shift)
        assert w == pytest.approx((sums / rows) @ weight @ (sums / rows))


def test_paths_are_cut_where_the_key_changes():
    keys = np.array([4, 4, 2, 2, 2, 9])
    got = list(paths_of(keys, np.arange(6), np.arange(6) / 2))
    assert [path.labels.tolist() for path in got] == [[0, 1], [2, 3, 4], [5]]
    assert list(paths_of(keys[:0], keys[:0], keys[:0] / 2)) == []


def test_a_ticker_more_changes_one_chosen_at_most():
    names = [f"T{n}" for n in range(100)]
    chosen = seeded_tickers(names, 20, 3)
    assert chosen == sorted(chosen) and len(chosen) == 20
    assert chosen == seeded_tickers(reversed(names), 20, 3) != seeded_tickers(names, 20, 4)
    assert len(set(chosen) - set(seeded_tickers([*names, "NEW"], 20, 3))) <= 1
