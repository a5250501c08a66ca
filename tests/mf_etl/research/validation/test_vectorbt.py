"""A portfolio of twenty tickers against vectorbt, an engine of its own: orders, costs, equity."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mf_etl.research.validation.books import Strategy, accounts
from mf_etl.research.validation.panel import Panel
from mf_etl.research.validation.portfolio import Rules
from tests.mf_etl.research.validation.panels import FIRST, rows

ENGINE = Path(__file__).with_name("vectorbt_engine.py")
DAYS, NAMES = 150, 20
CASES = [
    Rules(cap=0.2, holding=10),
    Rules(cap=0.2, holding=5, aum=1e8, spread_factor=2.0),
    Rules(sign=-1, cap=0.2, holding=3, borrow=0.0),
]


def orders(panel, held, rules):
    """What the engine is told: marks, target weights where an order was filled, and its cost."""
    price, target, fee = np.full((3, DAYS, NAMES), np.nan)
    for number, decision in enumerate(panel.decisions()):
        price[number] = decision.day.price
        adv, sigma, spread = decision.day.adv, decision.day.sigma, decision.day.spread
        at = held.filter(pl.col("date") == decision.date, pl.col("trade") != 0)
        name, size = at["name"].to_numpy(), at["trade"].abs().to_numpy()
        target[number, name] = at["weight"]
        half = np.fmax(spread[name], 5e-4) / 2 * rules.spread_factor
        fee[number, name] = half + sigma[name] * np.sqrt(size * rules.aum / adv[name])
    # Before its first row a name has no price; nothing is ordered then.
    first = np.argmax(~np.isnan(price), axis=0)
    return {
        "price": np.where(np.isnan(price), price[first, np.arange(NAMES)], price),
        "target": target,
        "fee": np.nan_to_num(fee),
    }


def test_portfolios_of_twenty_tickers_are_those_of_vectorbt(tmp_path):
    """vectorbt gets target weights and a fee by order; it finds shares, cash and equity itself."""
    if importlib.util.find_spec("vectorbt") is None:
        pytest.skip("vectorbt is not installed")
    panel = Panel.of(np.arange(DAYS) + FIRST, [rows(11, tickers=NAMES, days=DAYS)])
    # A third of the days wants nothing, so that there always is cash: the engine lends none.
    every = [Strategy.of(rules, {0: [1, 2], 1: [1], 2: []}) for rules in CASES]
    got = accounts(panel, np.arange(DAYS) % 3, [], told=every)
    told = {
        f"{number} {name}": values
        for number, one in enumerate(every)
        for name, values in orders(panel, got.positions[one], one.rules).items()
    }
    np.savez(tmp_path / "cases.npz", **told)
    subprocess.run(
        [sys.executable, ENGINE, tmp_path / "cases.npz", tmp_path / "results.npz"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        check=True,
        timeout=300,
    )
    results = np.load(tmp_path / "results.npz")
    for number, one in enumerate(every):
        account = got.of[one]
        assert account["turnover"].sum() > 5 and got.positions[one]["name"].n_unique() == NAMES
        before = np.concatenate([[1.0], np.cumprod(1 + account["net"])[:-1]])
        # Ours is at a day's open before its orders, vectorbt's after them and their cost.
        np.testing.assert_allclose(
            results[f"{number} equity"], before * (1 - account["cost"]), rtol=1e-10
        )
        np.testing.assert_allclose(
            results[f"{number} traded"], before * account["turnover"], atol=1e-10
        )
