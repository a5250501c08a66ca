"""A portfolio of overlapping tranches, decided at a close and traded at the next open, after costs.

Weights are shares of equity; what is not in names is cash at no interest. Nothing here is advice: it
answers whether a difference between states would have survived execution, costs and size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mf_etl.research.inference.sums import Floats

LEAST_SPREAD = 5e-4
"""Spreads are taken to be 5 basis points at least: estimates from daily bars reach 0."""

DAYS_A_YEAR = 252


@dataclass(frozen=True)
class Rules:
    """How a portfolio trades.

    `sign` is 1 for long, −1 for short; `holding` the number of tranches and of days that each is
    held; `cap` the largest share of equity of a name when traded; `aum` in currency;
    `participation` the largest order as a share of adv_20; `borrow` a year, on shorts;
    `spread_factor` multiplies spreads (0, 1, 2, 4: the sensitivity to costs); `delay` is in days: 1
    trades at the open after the next.
    """

    sign: int = 1
    holding: int = 10
    cap: float = 0.02
    aum: float = 1e7
    participation: float = 0.05
    borrow: float = 0.005
    spread_factor: float = 1.0
    delay: int = 0


class Day(NamedTuple):
    """One trading day of all names, shape (names,) each.

    `adv`, `sigma` and `spread` are known at the close before. `can_trade`: there is an open and the
    volume is not 0. `price` is what a name is marked at when the day opens, `next_price` when the next
    one does: its open or, without one, its last close; NaN before its first. `gone`: the series has
    ended before this day, and what was held is cash.
    """

    can_trade: NDArray[np.bool_]
    gone: NDArray[np.bool_]
    price: Floats
    next_price: Floats
    adv: Floats
    sigma: Floats
    spread: Floats


class Result(NamedTuple):
    """What a day brought, in shares of equity at its open.

    `unfilled` is what was to be traded and could not; `participation` the largest order as a share of
    adv_20.
    """

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
    """What a portfolio holds, day by day.

    `weights` and `traded`, shape (names,), are of the last day: shares of equity held after its
    trades, and traded. `equity` is what one unit of currency has become; it stays 0 once all is lost.
    Sums over names go from the first to the last: names that come later change no bit of them.
    """

    def __init__(self, names: int, rules: Rules) -> None:
        self.rules = rules
        self.equity = 1.0
        self.weights: Floats = np.zeros(names)
        self.traded: Floats = np.zeros(names)
        # Numbers of shares: held, and what the tranches want.
        self._held: Floats = np.zeros(names)
        self._target: Floats = np.zeros(names)
        self._tranches: Floats = np.zeros((names, rules.holding))
        self._next = 0

    def step(self, day: Day, wanted: NDArray[np.bool_]) -> Result:
        """Trade at the day's open what was `wanted` at the close before, and hold to the next open."""
        rules = self.rules
        told = _step(
            self._held, self._target, self._tranches, self._next, self.weights, self.traded,
            wanted, *day, self.equity, float(rules.sign), rules.cap, rules.aum, rules.participation,
            rules.borrow / DAYS_A_YEAR if rules.sign < 0 else 0.0, rules.spread_factor,
        )  # fmt: skip
        self._next = (self._next + 1) % rules.holding
        result = Result(*told)
        self.equity *= 1 + result.net
        if self.equity <= 0:
            self.equity = 0.0
        return result


@njit(nogil=True, cache=True)
def _step(
    held: Floats,
    target: Floats,
    tranches: Floats,
    slot: int,
    weights: Floats,
    traded: Floats,
    wanted: NDArray[np.bool_],
    can_trade: NDArray[np.bool_],
    gone: NDArray[np.bool_],
    price: Floats,
    next_price: Floats,
    adv: Floats,
    sigma: Floats,
    spread: Floats,
    equity: float,
    sign: float,
    cap: float,
    aum: float,
    participation: float,
    borrow_a_day: float,
    spread_factor: float,
) -> tuple[float, float, float, float, float, int, float, float, float]:
    """One day of a book, in place; gives the fields of `Result`."""
    names, holding = tranches.shape
    gross = cost = turnover = exposure = unfilled = largest = 0.0
    count = positions = 0
    for i in range(names):
        if wanted[i] and not gone[i]:
            count += 1
    for i in range(names):
        weights[i] = 0.0
        traded[i] = 0.0
        if equity <= 0.0 or (gone[i] and (held[i] != 0.0 or target[i] != 0.0)):
            held[i] = 0.0
            target[i] = 0.0
            tranches[i, :] = 0.0
        if equity <= 0.0 or gone[i]:
            continue
        # The oldest tranche gives way to one of 1/h of equity in the names wanted, equally.
        if wanted[i] or tranches[i, slot] != 0.0:
            tranches[i, slot] = 0.0
            others = 0.0
            for tranche in range(holding):
                others += tranches[i, tranche]
            if wanted[i]:
                room = cap - abs(others) * price[i] / equity
                size = min(max(room, 0.0), 1.0 / holding / count)
                tranches[i, slot] = sign * size * equity / price[i]
            target[i] = others + tranches[i, slot]
        if target[i] == held[i] and held[i] == 0.0:
            continue
        worth = price[i] / equity
        # What a name can take of an order; the rest is tried again on the next day.
        order = target[i] - held[i]
        if order != 0.0:
            size = abs(order) * worth
            limit = participation * adv[i] / aum if can_trade[i] and adv[i] > 0.0 else 0.0
            filled = min(size, limit)
            unfilled += size - filled
            if filled > 0.0:
                if filled == size:
                    held[i] = target[i]
                else:
                    held[i] += math.copysign(filled / worth, order)
                traded[i] = math.copysign(filled, order)
                turnover += filled
                part = filled * aum / adv[i]
                largest = max(largest, part)
                cost += trading_cost(filled, part, sigma[i], spread[i], spread_factor)
        if held[i] != 0.0:
            positions += 1
            weights[i] = held[i] * worth
            exposure += abs(weights[i])
            gross += weights[i] * (next_price[i] / price[i] - 1.0)
    borrow = exposure * borrow_a_day
    net = gross - cost - borrow
    return gross, cost, borrow, net, turnover, positions, exposure, unfilled, largest


@njit(nogil=True, cache=True)
def trading_cost(
    size: float, part: float, sigma: float, spread: float, spread_factor: float
) -> float:
    """Cost of an order in shares of equity: |Δw|·(s/2 + σ·√part), `part` = |Δw|·AUM/adv.

    Half the spread, and the square-root law of market impact (Almgren et al. 2005; Tóth et al.
    2011). Without an estimate a spread is the least one, and a σ is 0.
    """
    half = max(spread, LEAST_SPREAD) / 2 if spread == spread else LEAST_SPREAD / 2
    impact = sigma * math.sqrt(part) if sigma == sigma else 0.0
    return size * (half * spread_factor + impact)


def half_spread(spread: Floats) -> Floats:
    """What trading a name costs at least, each way: half its spread; shape as `spread`."""
    half: Floats = np.fmax(spread, LEAST_SPREAD) / 2
    return half


def chosen_states(lower: Floats, least: float, *, sign: int = 1) -> list[int]:
    """Λ: states whose train outcome pays twice its cost beyond doubt, decided by train rows alone.

    `lower` is the bound of the 95 % interval of mean_xs_h nearest to 0, times `sign`, by state;
    `least` the train mean of half the spread. Empty: nothing is held.
    """
    return np.flatnonzero(sign * lower > 2 * least).tolist()
