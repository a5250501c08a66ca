"""Outcomes by state: measures by loop, table by hand, planted effects, null markets."""

from __future__ import annotations

import numpy as np
import pytest

from mf_etl.research.inference.sums import DateSums
from mf_etl.research.validation.measures import MEASURES, measure_names, measured, state_sums
from mf_etl.research.validation.state_outcomes import OUTCOMES_SCHEMA, state_outcomes

HORIZONS = (1, 5)


def market(seed, days=300, tickers=40, states=3, effect=0.0):
    """Rows of a market with a common factor and labels that persist and tell nothing but `effect`."""
    random = np.random.default_rng(seed)
    change = random.random((tickers, days)) < 1 / 20
    change[:, 0] = True
    start = np.maximum.accumulate(np.where(change, np.arange(days), 0), axis=1)
    drawn = random.integers(0, states, (tickers, days))
    labels = np.take_along_axis(drawn, start, axis=1)
    load = random.normal(1, 0.3, (tickers, 1))
    daily = load * 0.01 * random.normal(size=days) + 0.02 * random.normal(size=(tickers, days))
    daily += effect * (labels == 1)
    wealth = np.concatenate([np.zeros((tickers, 1)), np.cumsum(np.log1p(daily), axis=1)], axis=1)
    entered = {}
    for h in HORIZONS:
        ahead = np.full((tickers, days), np.nan)
        ahead[:, : days + 1 - h] = np.expm1(wealth[:, h:] - wealth[:, :-h])
        entered[h] = ahead
    excess = {
        h: x - np.nanmean(x, axis=0) if h == 1 else x - x.mean(axis=0) for h, x in entered.items()
    }
    return labels, entered, excess, random.random((tickers, days)) < 0.9


def sums_of(labels, entered, excess, eligible, states=3):
    tickers, days = labels.shape
    sums = DateSums(np.arange(days), states, measure_names(HORIZONS))
    bounds = dict.fromkeys(HORIZONS, (-0.05, 0.05))
    for t in range(tickers):
        values = measured(
            {h: x[t] for h, x in entered.items()},
            {h: x[t] for h, x in excess.items()},
            eligible[t],
            bounds,
        )
        sums.add(np.arange(days), labels[t], values)
    return state_sums(sums, HORIZONS)


def outcomes(case, **options):
    labels = case[0]
    tickers = np.array([(labels == k).any(axis=1).sum() for k in range(3)])
    return state_outcomes(sums_of(*case), tickers, **{"replications": 300, **options})


def test_measures_equal_a_loop_over_rows():
    labels, entered, excess, eligible = case = market(0, days=40, tickers=12)
    got = sums_of(*case)
    xs, oo = excess[5], entered[5]
    there = eligible & ~np.isnan(xs)
    for state in range(3):
        for day in (0, 17, 34):
            rows = [t for t in range(12) if there[t, day] and labels[t, day] == state]
            every = [t for t in range(12) if there[t, day]]
            mean_log = np.mean([np.log(1 + oo[t, day]) for t in every])
            share = np.mean([xs[t, day] > 0 for t in every])
            expected = {
                "xs": sum(xs[t, day] for t in rows),
                "oo": sum(oo[t, day] for t in rows),
                "log_xs": sum(np.log(1 + oo[t, day]) - mean_log for t in rows),
                "hit_xs": sum((xs[t, day] > 0) - share for t in rows),
                "winsor_xs": sum(min(max(xs[t, day], -0.05), 0.05) for t in rows),
            }
            for measure in MEASURES:
                told = got[measure, 5]
                assert told.count[day, state] == len(rows)
                assert told.total[day, state] == pytest.approx(expected[measure], abs=1e-12)


def test_the_table_tells_each_state_horizon_and_measure():
    case = market(1)
    got = outcomes(case)
    assert got.table.schema == OUTCOMES_SCHEMA
    assert got.table.height == 3 * len(MEASURES) * len(HORIZONS)
    labels, _, excess, eligible = case
    rows = excess[1][eligible & (labels == 2)]
    told = got.table.row(by_predicate=_is(2, 1, "xs"), named=True)
    assert told["mean"] == pytest.approx(rows.mean()) and told["rows"] == len(rows)
    assert told["se_naive"] == pytest.approx(rows.std(ddof=1) / np.sqrt(len(rows)))
    assert told["design_effect"] == pytest.approx((told["se_block"] / told["se_naive"]) ** 2)
    assert told["n_effective"] == pytest.approx(len(rows) / told["design_effect"])
    assert told["min_detectable"] == pytest.approx(2.8 * told["se_block"])
    assert told["cost_break_even_bps"] == pytest.approx(told["mean"] * 5000)
    assert 0.5 < told["se_hac"] / told["se_block"] < 2
    assert told["lo"] < told["mean"] < told["hi"] and told["dates"] == 300


def _is(state, h, measure):
    import polars as pl

    return (pl.col("state") == state) & (pl.col("h") == h) & (pl.col("measure") == measure)


def test_outcomes_without_the_market_taken_off_are_told_and_never_tested():
    table = outcomes(market(1)).table
    assert table.filter(measure="oo")["p"].null_count() == 6
    assert table.filter(measure="xs")["p_stepdown"].null_count() == 0
    assert table.filter(measure="winsor_xs")["p_stepdown"].null_count() == 6


def test_a_planted_effect_is_found_in_its_state_and_pairs():
    got = outcomes(market(2, effect=0.004))
    found = got.table.filter((got.table["p_stepdown"] < 0.05).fill_null(False), state=1)
    assert found["h"].to_list() == [1, 5] and (found["mean"] > 0.001).all()
    pairs = got.pairs.filter(h=1)
    assert pairs.select("state_a", "state_b").rows() == [(0, 1), (0, 2), (1, 2)]
    assert (pairs["p_stepdown"] < 0.05).to_list() == [True, False, True]
    assert pairs["diff"][0] < 0 < pairs["diff"][2]
    assert got.joint[1].p < 0.01


def test_the_same_seed_gives_the_same_table():
    case = market(3)
    assert outcomes(case, seed=5).table.equals(outcomes(case, seed=5).table)
    assert not outcomes(case, seed=5).table.equals(outcomes(case, seed=6).table)


def test_blocks_can_be_halved_and_doubled():
    case = market(3)
    blocks = [outcomes(case, block_factor=f).draws.block for f in (0.5, 1, 2)]
    assert blocks[0] * 2 == blocks[1] and blocks[1] * 2 == blocks[2]


def test_a_state_that_is_never_held_is_told_without_a_test():
    labels, *rest = market(4)
    got = outcomes((np.where(labels == 2, 0, labels), *rest))
    told = got.table.row(by_predicate=_is(2, 1, "xs"), named=True)
    assert told["rows"] == 0 and told["mean"] is None and told["p_stepdown"] is None
    assert got.joint[1].columns == 2
    one = outcomes((np.zeros_like(labels), *rest))
    assert one.pairs.height == 0 and one.joint[1].p is None
