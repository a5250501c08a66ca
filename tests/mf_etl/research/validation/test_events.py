"""Transitions as events against loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mf_etl.research.inference.draws import Draws
from mf_etl.research.validation.events import (
    OFFSETS,
    EventSums,
    Labels,
    abnormal,
    event_paths,
    event_summary,
    events,
)


def labels(seed, rows=300, states=3):
    random = np.random.default_rng(seed)
    state = np.repeat(random.integers(0, states, rows), random.integers(1, 9, rows))[:rows]
    return Labels(
        np.arange(rows) + 1000,
        state,
        np.zeros(rows, dtype=np.int16),
        np.where(random.random(rows) < 0.1, np.nan, 0.01 * random.normal(size=rows)),
        0.01 * random.normal(size=rows),
    )


def test_an_event_is_a_change_after_a_run_that_is_long_enough():
    state = np.array([0, 0, 1, 1, 1, 1, 0, 0, 2, -1, -1, -1, 2, 2, 2, 1])
    fold = np.zeros(len(state))
    rows, pair = events(state, fold, 3, 3)
    # 0→1 comes too early, 0→2 after two rows, −1 is no state.
    assert rows.tolist() == [6, 15] and pair.tolist() == [1 * 3 + 0, 2 * 3 + 1]
    assert events(state, fold, 3, 2)[0].tolist() == [6, 8, 15]
    assert (
        events(state[:0], fold[:0], 3, 3)[0].tolist()
        == []
        == events(state[:1], fold[:1], 3, 3)[0].tolist()
    )


def test_a_fold_begins_anew_and_its_first_three_rows_have_no_event():
    state = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 0])
    fold = np.array([1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2])
    # 0→1 is a change of models; 1→2 comes two rows after it; 2→0 counts.
    assert events(state, fold, 3, 1)[0].tolist() == [10]
    assert events(state, fold * 0, 3, 1)[0].tolist() == [4, 6, 10]


def test_events_look_back_only():
    state, fold = labels(0).state, labels(0).fold
    rows, pair = events(state, fold, 3, 3)
    for cut in (50, 111, 200):
        part = events(state[:cut], fold[:cut], 3, 3)
        assert part[0].tolist() == rows[rows < cut].tolist()
        assert part[1].tolist() == pair[rows < cut].tolist()


def test_the_first_day_that_could_be_traded_is_r_1():
    excess = np.arange(100.0)
    got = abnormal(excess, np.array([40, 5, 95]))
    assert got["ar_1"].tolist() == [40, 5, 95] and got["ar_0"].tolist() == [39, 4, 94]
    assert got["ar_20"][0] == 59 and np.isnan(got["ar_20"][2])
    assert got["ar_-10"][0] == 29 and np.isnan(got["ar_-10"][1])
    assert got["car_1_5"].tolist() == [40 + 41 + 42 + 43 + 44, 35, 95 + 96 + 97 + 98 + 99]
    assert np.isnan(got["car_1_10"][2])


def filled(tickers=30, rows=300, effect=0.0):
    sums = EventSums(np.arange(rows) + 1000, 3, h=5)
    every = [labels(seed, rows) for seed in range(tickers)]
    for one in every:
        when, pair = events(one.state, one.fold, 3, 3)
        for t in when[pair == 1]:
            one.excess[t : t + 5] += effect
        sums.add(one)
    return sums, every


def test_sums_and_the_calendar_portfolio_equal_loops():
    sums, every = filled(tickers=6)
    held = {}
    counted, days = np.zeros(9), [set() for _ in range(9)]
    for number, one in enumerate(every):
        when, pair = events(one.state, one.fold, 3, 3)
        for t, which in zip(when, pair, strict=True):
            counted[which] += 1
            days[which].add(one.days[t])
            for row in range(t, min(t + 5, 300)):
                held.setdefault((row, which), {})[number] = one.entered[row]
    assert sums.events.tolist() == counted.tolist()
    assert sums.dates.tolist() == [len(one) for one in days]
    calendar = sums.calendar()
    for row in range(300):
        for which in range(9):
            names = held.get((row, which))
            if names is None:
                assert np.isnan(calendar[row, which])
            else:
                assert calendar[row, which] == pytest.approx(np.mean(list(names.values())))


def test_paths_add_up_from_the_day_of_the_event():
    sums, _ = filled()
    got = event_paths(sums, Draws(300, 10, 200, 0)).filter(prev=0, next=1)
    assert got["r"].to_list() == list(OFFSETS)
    aar = dict(zip(got["r"], got["aar"], strict=True))
    caar = dict(zip(got["r"], got["caar"], strict=True))
    assert caar[0] == 0
    assert caar[3] == pytest.approx(aar[1] + aar[2] + aar[3])
    assert caar[-2] == pytest.approx(-(aar[0] + aar[-1]))
    inside = got.filter(got["r"] != 0)
    assert (inside["lo"] < inside["caar"]).all() and (inside["caar"] < inside["hi"]).all()


def test_a_planted_reaction_is_found_in_its_pair():
    sums, _ = filled(tickers=60, effect=0.005)
    market = 0.001 * np.random.default_rng(0).normal(size=300)
    got = event_summary(sums, Draws(300, 10, 300, 0), market, h=5)
    assert got.height == 6
    told = got.filter(prev=0, next=1)
    assert told["events"][0] >= 200 and told["dates"][0] >= 100
    assert told["car_1_5"][0] == pytest.approx(0.025, abs=0.003)
    assert told["p_stepdown"][0] < 0.05
    others = got.filter(~((got["prev"] == 0) & (got["next"] == 1)))
    assert (others["p_stepdown"] > 0.05).all()
    assert told["events_per_year"][0] == pytest.approx(told["events"][0] / 300 * 252)


def test_pairs_with_few_events_are_listed_without_a_test():
    sums, _ = filled(tickers=4)
    got = event_summary(
        sums, Draws(300, 10, 100, 0), np.random.default_rng(0).normal(size=300), h=5
    )
    assert got.height == 6 and got["p_stepdown"].null_count() == 6
    assert got["alpha"].null_count() == 0
