"""A portfolio of twenty tickers against vectorbt, an engine of its own: orders, costs, equity."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.research.validation.books import Strategy, accounts
from mf_etl.research.validation.panel import Panel
from mf_etl.research.validation.portfolio import Rules
from tests.mf_etl.research.validation.panels import FIRST, rows

pd = pytest.importorskip("pandas")
vectorbt = pytest.importorskip("vectorbt", reason="vectorbt is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:vectorbt")

DAYS, NAMES = 150, 20


@pytest.mark.parametrize(
    "rules",
    [
        Rules(cap=0.2, holding=10),
        Rules(cap=0.2, holding=5, aum=1e8, spread_factor=2.0),
        Rules(sign=-1, cap=0.2, holding=3, borrow=0.0),
    ],
)
def test_a_portfolio_of_twenty_tickers_is_that_of_vectorbt(rules):
    """vectorbt gets target weights and a fee by order; it finds orders, shares, cash and equity."""
    frame = rows(11, tickers=NAMES, days=DAYS)
    days = np.arange(DAYS) + FIRST
    panel = Panel.of(days, [frame])
    # A third of the days wants nothing, so that there always is cash: the engine lends none.
    one = Strategy.of(rules, {0: [1, 2], 1: [1], 2: []})
    got = accounts(panel, np.arange(DAYS) % 3, [], told=[one])
    account, held = got.of[one], got.positions[one]
    # What the engine is told: marks, target weights, where an order was filled, and its cost.
    price, target, fee = np.full((3, DAYS, NAMES), np.nan)
    for number, decision in enumerate(panel.decisions()):
        price[number] = decision.day.price
        adv, sigma, spread = decision.day.adv, decision.day.sigma, decision.day.spread
        at = held.filter(pl.col("date") == decision.date)
        name, trade = at["name"].to_numpy(), at["trade"].to_numpy()
        moved = name[trade != 0]
        target[number, moved] = at["weight"].to_numpy()[trade != 0]
        size = np.abs(trade[trade != 0])
        half = np.fmax(spread[moved], 5e-4) / 2 * rules.spread_factor
        fee[number, moved] = half + sigma[moved] * np.sqrt(size * rules.aum / adv[moved])
    price = pd.DataFrame(price).bfill()
    other = vectorbt.Portfolio.from_orders(
        close=price, size=target, size_type="targetpercent", direction="both", price=price,
        fees=np.nan_to_num(fee), init_cash=1.0, cash_sharing=True, group_by=True, call_seq="auto",
        freq="1D",
    )  # fmt: skip
    equity = np.cumprod(1 + account["net"])
    # Marked at the next day's open, before its orders; vectorbt tells after them, so costs are added.
    told = other.value().to_numpy()
    before = told[1:] / (1 - account["cost"][1:])
    assert account["turnover"].sum() > 5 and held["name"].n_unique() == NAMES
    np.testing.assert_allclose(before, equity[:-1], rtol=1e-10)
    orders = other.orders.records_readable
    traded = (orders["Size"] * orders["Price"]).groupby(orders["Timestamp"]).sum()
    expected = pd.Series(account["turnover"] * np.concatenate([[1.0], equity[:-1]]))
    np.testing.assert_allclose(traded.reindex(range(DAYS), fill_value=0.0), expected, atol=1e-10)
