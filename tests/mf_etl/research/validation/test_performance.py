"""A strategy's account by hand."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from mf_etl.research.validation.performance import (
    break_even_aum,
    performance,
    performance_table,
    share_of_top,
)
from mf_etl.research.validation.trials import Trials
from mf_etl.schemas.validation_tables import PERFORMANCE

COLUMNS = ("net", "market_net", "active", "cost", "turnover")


def daily(days=300, seed=0):
    random = np.random.default_rng(seed)
    market = 0.01 * random.normal(size=days)
    return pl.DataFrame(
        {
            "net": 0.0005 + 0.5 * market + 0.002 * random.normal(size=days),
            "market_net": market,
            "cost": np.full(days, 1e-4),
            "turnover": np.full(days, 0.2),
        }
    ).with_columns(active=pl.col("net") - pl.col("market_net"))


def test_the_account_by_hand():
    frame = daily()
    active = (frame["net"] - frame["market_net"]).to_numpy()
    got = performance(frame, np.ones(40), Trials(10, 5.0, 0.01), h=10)
    assert got["mean_active"] == pytest.approx(active.mean())
    assert got["sharpe_active"] == pytest.approx(active.mean() / active.std() * math.sqrt(252))
    assert got["beta"] == pytest.approx(0.5, abs=0.05)
    assert got["alpha"] == pytest.approx(0.0005, abs=3e-4) and got["t_alpha"] > 2
    assert got["turnover_year"] == pytest.approx(50.4)
    assert got["cost_drag"] == pytest.approx(0.0252)
    assert got["worst_day"] == frame["net"].min() and got["days"] == 300
    assert got["dsr"] < got["psr"]
    assert got["share_of_profit_of_top_10_tickers"] == pytest.approx(0.25)


def test_what_cannot_be_told_is_none():
    frame = pl.DataFrame({name: [0.0] * 5 for name in COLUMNS})
    got = performance(frame, np.zeros(3), Trials(1, None, None), h=10)
    assert got["sharpe_active"] is None and got["dsr"] is None and got["alpha"] is None
    assert got["max_drawdown"] == 0.0 and got["share_of_profit_of_top_10_days"] is None
    empty = performance(frame.clear(), np.zeros(0), Trials(1, None, None), h=10)
    assert empty["days"] == 0 and empty["mean_active"] is None


def test_top_days_can_earn_more_than_all():
    assert share_of_top(np.array([5.0, 5, -5, 0]), top=2) == 2.0
    assert share_of_top(np.array([-1.0])) is None


def test_break_even_size_lies_between():
    assert break_even_aum({1e6: 3e-4, 1e8: -3e-4}) == pytest.approx(1e7)
    assert break_even_aum({1e6: 1.0, 1e7: 0.5}) is None
    assert break_even_aum({1e6: -1.0, 1e7: -2.0}) is None
    assert break_even_aum({1e6: 1.0, 1e7: 0.0}) == pytest.approx(1e7)


def test_the_table_has_a_row_for_each_strategy_and_takes_known_days():
    known = daily().with_columns(strategy=pl.lit("long"))
    unknown = known[:1].with_columns(net=None, market_net=None, active=None)
    both = pl.concat([known, unknown, known.with_columns(strategy=pl.lit("short"))])
    positions = pl.DataFrame(
        {
            "strategy": ["long"] * 4 + ["short"],
            "ticker": ["A", "B", "A", "B", "A"],
            "exchange": "NYSE",
            "profit": [0.1, -0.1, 0.2, None, 0.5],
        }
    )
    got = performance_table(both, positions, Trials(10, 5.0, 0.01), h=10)
    PERFORMANCE.check(got)
    assert got["strategy"].to_list() == ["long", "short"] and got["days"].to_list() == [300, 300]
    alone = performance(known, np.array([0.3, -0.1]), Trials(10, 5.0, 0.01), h=10)
    assert got.row(0, named=True) == {"strategy": "long", **alone}
