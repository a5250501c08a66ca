"""A portfolio of overlapping tranches, decided at a close and traded at the next open, after costs.

Weights are shares of equity; what is not in names is cash at no interest. Nothing here is advice: it
answers whether a difference between states would have survived execution, costs and size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mf_etl.research.inference.sums import Floats

LEAST_SPREAD = 5e-4
"""Spreads are taken to be 5 basis points at least: estimates from daily bars reach 0."""


@dataclass(frozen=True)
class Rules:
    """How a portfolio trades.

    `sign` is 1 for long, −1 for short; `holding` the number of tranches and of days that each is
    held; `cap` the largest share of equity of a name when traded; `aum` in currency;
    `participation` the largest order as a share of adv_20; `borrow` a year, on shorts;
    `spread_factor` multiplies spreads (0, 1, 2, 4: the sensitivity to costs).
    """

    sign: int = 1
    holding: int = 10
    cap: float = 0.02
    aum: float = 1e7
    participation: float = 0.05
    borrow: float = 0.005
    spread_factor: float = 1.0


class Day(NamedTuple):
    """One trading day of all names, shape (names,) each.

    `wanted`, `adv`, `sigma` and `spread` are known at the close before. `can_trade`: there is an
    open and the volume is not 0. `earned` = open[+1]/open − 1, on a series' last day to its last
    close; NaN for a name that does not trade, which keeps its last price. `gone`: the series has ended
    before this day, and what was held is cash.
    """

    wanted: NDArray[np.bool_]
    can_trade: NDArray[np.bool_]
    gone: NDArray[np.bool_]
    earned: Floats
    adv: Floats
    sigma: Floats
    spread: Floats


class Result(NamedTuple):
    """What a day brought, in shares of equity at its open."""

    gross: float
    cost: float
    borrow: float
    net: float
    turnover: float
    names: int
    exposure: float
    unfilled: float
    participation: float


class Book:
    """What a portfolio holds, day by day: `weights` and `traded`, shape (names,)."""

    def __init__(self, names: int, rules: Rules) -> None:
        self.rules = rules
        self.weights: Floats = np.zeros(names)
        self.traded: Floats = np.zeros(names)
        self._tranches: Floats = np.zeros((rules.holding, names))
        self._next = 0

    def step(self, day: Day) -> Result:
        """Trade at the day's open and hold to the next."""
        rules = self.rules
        self.weights[day.gone] = 0.0
        self._tranches[:, day.gone] = 0.0
        self._form(day)
        order = self._tranches.sum(axis=0) - self.weights
        # What a name can take of an order; the rest is tried again on the next day.
        limit = np.where(day.can_trade, rules.participation * day.adv / rules.aum, 0.0)
        self.traded = np.clip(order, -(limit := np.nan_to_num(limit)), limit)
        self.weights = self.weights + self.traded
        size = np.abs(self.traded)
        cost = float(trading_cost(size, day, rules).sum())
        exposure = float(np.abs(self.weights).sum())
        borrow = exposure * rules.borrow / 252 if rules.sign < 0 else 0.0
        earned = np.nan_to_num(day.earned)
        gross = float((self.weights * earned).sum())
        net = gross - cost - borrow
        share = np.divide(size * rules.aum, day.adv, where=size > 0, out=np.zeros(len(size)))
        result = Result(
            gross, cost, borrow, net, float(size.sum()), int((self.weights != 0).sum()), exposure,
            float(np.abs(order - self.traded).sum()), float(share.max(initial=0.0)),
        )  # fmt: skip
        growth = (1 + earned) / (1 + net)
        self.weights = self.weights * growth
        self._tranches *= growth
        return result

    def _form(self, day: Day) -> None:
        """The oldest tranche gives way to one of 1/h of equity in the names wanted, equally."""
        rules = self.rules
        self._tranches[self._next] = 0.0
        wanted = day.wanted & ~day.gone
        if count := int(wanted.sum()):
            room = rules.cap - np.abs(self._tranches.sum(axis=0))
            size = np.clip(room, 0.0, 1 / rules.holding / count)
            self._tranches[self._next] = np.where(wanted, rules.sign * size, 0.0)
        self._next = (self._next + 1) % rules.holding


def trading_cost(size: Floats, day: Day, rules: Rules) -> Floats:
    """Cost by name, in shares of equity: |Δw|·(s/2 + σ·√(|Δw|·AUM/adv)), shape (names,).

    Half the spread, and the square-root law of market impact (Almgren et al. 2005; Tóth et al.
    2011). Without an estimate a spread is the least one, and a σ is 0.
    """
    spread = np.maximum(np.nan_to_num(day.spread), LEAST_SPREAD) * rules.spread_factor
    share = np.divide(size * rules.aum, day.adv, where=size > 0, out=np.zeros(len(size)))
    cost: Floats = size * (spread / 2 + np.nan_to_num(day.sigma) * np.sqrt(share))
    return cost


def chosen_states(lower: Floats, least: float, *, sign: int = 1) -> list[int]:
    """Λ: states whose train outcome pays twice its cost beyond doubt, decided by train rows alone.

    `lower` is the bound of the 95 % interval of mean_xs_h nearest to 0, times `sign`, by state;
    `least` the train mean of half the spread. Empty: nothing is held.
    """
    return np.flatnonzero(sign * lower > 2 * least).tolist()
