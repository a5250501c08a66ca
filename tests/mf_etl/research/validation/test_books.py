"""Many books over the same days: by hand, by folds, later, and that nothing looks ahead."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.research.validation.books import Strategy, accounts
from mf_etl.research.validation.panel import Panel
from mf_etl.research.validation.portfolio import Rules
from tests.mf_etl.research.validation.panels import FIRST, rows
from tests.mf_etl.research.validation.test_panel import series

DAYS = np.arange(120) + FIRST
FREE = Rules(holding=1, cap=1.0, aum=1.0, participation=1e9, spread_factor=0.0)


def of(rules, states):
    return Strategy.of(rules, {0: states, 1: states})


def test_what_is_decided_at_a_close_is_traded_at_the_next_open():
    days, a, b = [0, 1, 2, 3], [10.0, 11.0, 12.1, 12.1], [10.0, 10.0, 10.0, 5.0]
    frame = pl.concat(
        [series("A", days, a, a, state=[1, 0, 0, 0]), series("B", days, b, b, state=[0, 0, 1, 0])]
    )
    panel, fold = Panel.of(np.arange(4), [frame]), np.zeros(4, dtype=int)
    one, later = of(FREE, [1]), of(Rules(**{**vars(FREE), "delay": 1}), [1])
    got = accounts(panel, fold, [one, later, one.market()], told=[one])
    # A is bought at 11 and sold at 12.1; B bought on the last day. Later: A at 12.1.
    np.testing.assert_allclose(got.of[one]["net"][:3], [0, 0.1, 0], atol=1e-15)
    assert got.of[one]["names"].tolist() == [0, 1, 0, 1]
    assert got.of[later]["names"].tolist() == [0, 0, 1, 0]
    np.testing.assert_allclose(got.of[one.market()]["net"][:3], [0, 0.05, -0.25], atol=1e-15)
    held = got.positions[one]
    assert held.select("date", "name", "weight", "trade", "state").rows() == [
        (1, 0, 1.0, 1.0, 1), (2, 0, 0.0, pytest.approx(-1.0), 0), (3, 1, 1.0, 1.0, 1),
    ]  # fmt: skip
    assert held["profit"].to_list() == [pytest.approx(0.1), 0.0, None]


def test_the_fold_of_the_close_says_which_states_are_wanted():
    frame = series("A", [0, 1, 2, 3], [1.0] * 4, [1.0] * 4, state=0)
    frame = pl.concat([frame, series("B", [0, 1, 2, 3], [1.0] * 4, [1.0] * 4, state=1)])
    panel, fold = Panel.of(np.arange(4), [frame]), np.array([0, 0, 1, 1])
    one = Strategy.of(FREE, {0: [0], 1: [1]})
    held = accounts(panel, fold, [], told=[one]).positions[one].filter(pl.col("weight") > 0)
    assert held.select("date", "name").rows() == [(1, 0), (2, 0), (3, 1)]
    assert (
        accounts(panel, fold, [Strategy.of(FREE, {})]).of[Strategy.of(FREE, {})].ever_held is False
    )


def test_profits_of_positions_add_up_to_gross():
    frame = rows(3)
    panel, fold = Panel.of(DAYS, [frame]), np.zeros(120, dtype=int)
    one = of(Rules(holding=5, cap=0.1), [1, 2])
    got = accounts(panel, fold, [], told=[one])
    daily = got.positions[one].group_by("date").agg(pl.col("profit").sum()).sort("date")
    gross = dict(zip(DAYS.tolist(), got.of[one]["gross"], strict=True))
    assert daily.height > 100
    for date, profit in daily.rows()[:-1]:
        assert profit == pytest.approx(gross[date], abs=1e-14)


def test_one_pass_gives_each_strategy_what_it_gets_alone():
    panel, fold = Panel.of(DAYS, [rows(4)]), np.zeros(120, dtype=int)
    every = [
        of(Rules(holding=h, sign=sign, delay=delay), states)
        for h, sign, delay, states in ((1, 1, 0, [0]), (10, -1, 1, [1]), (5, 1, 0, [0, 2]))
    ]
    together = accounts(panel, fold, [*every, every[0].market()])
    for one in every:
        alone = accounts(panel, fold, [one]).of[one]
        for field in ("net", "cost", "unfilled", "participation"):
            np.testing.assert_array_equal(together.of[one][field], alone[field])


@pytest.mark.parametrize("cut", [20, 61, 90, 119])
def test_days_up_to_a_cut_are_the_same_bit_for_bit(cut):
    """The archive ends earlier: names listed later are not there at all."""
    frame, told = rows(5, tickers=40), []
    strategies = [of(Rules(holding=5, cap=0.05, aum=1e8), [1]), of(Rules(sign=-1), [0, 2])]
    strategies += [one.market() for one in strategies]
    for days in (DAYS[:cut], DAYS):
        part = frame.filter(pl.col("trade_date").cast(pl.Int32) <= int(days[-1]))
        panel = Panel.of(days, [part])
        got = accounts(panel, np.zeros(len(days), dtype=int), strategies, told=strategies[:2])
        names = panel.names.table.with_row_index("name").with_columns(pl.col("name").cast(pl.Int32))
        held = [
            got.positions[one]
            .filter(pl.col("date") <= int(DAYS[cut - 1]))
            .join(names, on="name", maintain_order="left")
            .with_columns(profit=pl.when(pl.col("date") < int(DAYS[cut - 1])).then("profit"))
            .drop("name")
            for one in strategies[:2]
        ]
        daily = [
            got.of[one][field][: cut - (field in ("net", "gross"))]
            for one in strategies
            for field in ("gross", "net", "cost", "turnover", "unfilled", "names")
        ]
        told.append((held, daily))
    for one, other in zip(told[0][0], told[1][0], strict=True):
        assert one.height and one.equals(other)
    for one, other in zip(told[0][1], told[1][1], strict=True):
        np.testing.assert_array_equal(one, other)
