"""Which states are held: by train rows of each fold alone, beyond costs, each side by itself."""

from __future__ import annotations

import numpy as np
import polars as pl

from mf_etl.research.inference.draws import date_draws
from mf_etl.research.inference.intervals import estimates
from mf_etl.research.inference.sums import Sums
from mf_etl.research.validation.held import HELD_SCHEMA, held_by_side, held_states, sums_of
from mf_etl.schemas.validation_tables import STATE_SUMS

DATES = 400


def sums(fold, means, *, period="train", seed=0, spread=0.002, h=10):
    """Rows of `state_sums` of 30 names a day in each state."""
    random = np.random.default_rng(seed)
    tables = []
    for state, mean in enumerate(means):
        values = mean + 0.01 * random.normal(size=(DATES, 30))
        for measure, of_h, of in (
            ("xs", h, values),
            ("half_spread", 0, np.full((DATES, 30), spread)),
        ):
            columns = {
                "trade_date": pl.Series(np.arange(DATES, dtype=np.int32)).cast(pl.Date),
                "fold": fold, "period": period, "state": state, "h": of_h, "measure": measure,
                "n": np.full(DATES, 30), "s": of.sum(axis=1), "ss": (of**2).sum(axis=1),
            }  # fmt: skip
            tables.append(STATE_SUMS.frame(columns, DATES))
    return pl.concat(tables)


def test_sums_come_back_as_they_were():
    table = sums(2020, [0.0, 0.01]).filter(measure="xs").filter(pl.col("state") == 1)
    got = sums_of(table, 3)
    assert got.count.sum(axis=0).tolist() == [0, DATES * 30, 0]
    assert got.total[:, 1].tolist() == table["s"].to_list()


def test_states_that_pay_beyond_their_cost_are_held():
    table = held_states(sums(2020, [0.0, 0.006, 0.003, -0.006]), h=10, replications=400)
    assert table.schema == HELD_SCHEMA and table.height == 8
    assert held_by_side(table) == {"long": {2020: [1]}, "short": {2020: [3]}}
    long = table.filter(strategy="long")
    assert np.allclose(long["needed"], 0.004) and np.allclose(table["needed"][4:], -0.004)
    assert (long["bound"] < long["mean"]).all() and (table["bound"][4:] > table["mean"][4:]).all()


def test_bounds_are_those_of_the_draws_of_the_dates():
    table = sums(2020, [0.002, 0.004])
    own: Sums = sums_of(table.filter(measure="xs"), 2)
    found = estimates(own, date_draws(own, 10, replications=300, seed=4))
    got = held_states(table, h=10, replications=300, seed=4)
    assert got.filter(strategy="long")["bound"].to_list() == found.lo.tolist()
    assert got.filter(strategy="short")["bound"].to_list() == found.hi.tolist()


def test_each_fold_decides_by_its_own_train_rows():
    table = pl.concat(
        [
            sums(2020, [0.01, 0.0]),
            sums(2021, [0.0, 0.01], seed=1),
            # What the test years bring is no part of it.
            sums(2020, [-0.05, 0.05], period="test", seed=2),
        ]
    )
    assert held_by_side(held_states(table, h=10, replications=200))["long"] == {
        2020: [0],
        2021: [1],
    }


def test_too_few_dates_or_no_spread_hold_nothing():
    table = sums(2020, [0.01, 0.0])
    few = table.filter(pl.col("trade_date").cast(pl.Int32) < 15)
    assert held_by_side(held_states(few, h=10, replications=200)) == {"long": {}, "short": {}}
    without = held_states(table.filter(measure="xs"), h=10, replications=200)
    assert not without["held"].any() and without["needed"].null_count() == without.height
    assert held_states(table.clear(), h=10).is_empty()


def test_a_state_without_rows_is_told_and_not_held():
    table = sums(2020, [0.01, 0.0, 0.01]).filter(pl.col("state") != 1)
    got = held_states(table, h=10, replications=200).filter(strategy="long")
    assert got["rows"].to_list() == [12000, 0, 12000] and got["bound"][1] is None
    assert got["held"].to_list() == [True, False, True]
