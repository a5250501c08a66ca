"""Bars of one ticker: a hidden regime a day, and prices and volumes that depend on it.

Only uniform random numbers are used, and operations that IEEE 754 rounds in one way: + - * /, square
roots and rounding to whole numbers. Logarithms, exponentials and powers may differ in their last digit
between processors and C libraries, and such a digit would end up in the bytes of a file.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from math import sqrt

import numpy as np
import numpy.typing as npt

from mf_etl.synth.precision import Precision, exponential, random_precision
from mf_etl.synth.trading_days import trading_days


@dataclass(frozen=True, slots=True)
class Regime:
    """How bars of one regime look; drift and volatility are log returns a day."""

    name: str
    drift: float
    volatility: float
    volume_factor: float
    upper_wick: float
    lower_wick: float
    volume_on_up_days: float


# Wicks are in units of the day's volatility: a long lower wick puts the close high in its range.
REGIMES = (
    Regime("quiet", 0.0002, 0.009, 0.8, 0.45, 0.45, 0.0),
    Regime("demand", 0.0016, 0.013, 1.3, 0.25, 0.75, 0.25),
    Regime("supply", -0.0014, 0.014, 1.3, 0.75, 0.25, -0.25),
    Regime("turbulent", 0.0, 0.032, 2.4, 0.70, 0.70, 0.0),
)
# A change of regime is considered on this share of days; then the row of the old regime holds the
# odds of the next one, which may be the old one again.
REVIEW_RATE = 0.05
ODDS = np.array(
    [
        [0.50, 0.22, 0.20, 0.08],
        [0.35, 0.45, 0.12, 0.08],
        [0.30, 0.14, 0.46, 0.10],
        [0.25, 0.20, 0.25, 0.30],
    ]
)
# Probability of regime j on the next day, given regime i: (4, 4), rows sum to 1.
TRANSITIONS = (1 - REVIEW_RATE) * np.eye(len(REGIMES)) + REVIEW_RATE * ODDS

_PARAMETERS = {
    name: np.array([getattr(regime, name) for regime in REGIMES])
    for name in Regime.__slots__
    if name != "name"
}
# Share of a day's volatility that falls into the night before; both shares' squares sum to 1.
NIGHT, DAY = 0.5, sqrt(0.75)
NEWS_RATE, NEWS_SIZE = 0.012, 5.0
# A ticker's price stays within a factor of e^7 of its first price.
LARGEST_LOG_MOVE = 7.0
THIN_SHARE, THIN_FLAT_RATE, THIN_ABSENT_RATE = 0.05, 0.3, 0.2
# Of what a ticker moves by in a day, in volatilities squared: see `simulate_bars`.
VARIANCE = NIGHT * NIGHT * (1 + NEWS_RATE * (NEWS_SIZE * NEWS_SIZE - 1)) + DAY * DAY
MARKET_VOLATILITY = 0.008


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one ticker as equally long arrays, one element a trading day, in date order.

    `date` is datetime64[D]; prices and volume are float64 and hold exactly what a file states;
    `regime` (int8) is the index into `REGIMES` that the day was drawn from.
    """

    date: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    regime: np.ndarray

    def __len__(self) -> int:
        return len(self.date)


def simulate_bars(
    days: np.ndarray,
    random: np.random.Generator,
    *,
    first_close: float | None = None,
    first_volume: float | None = None,
    thin: bool | None = None,
    precision: Precision | None = None,
    pays: float | None = None,
    market: np.ndarray | None = None,
) -> Bars:
    """Simulate one ticker on `days` (datetime64[D], ascending).

    Regimes follow the Markov chain `TRANSITIONS`. `first_close` is the close before the first bar,
    `first_volume` the typical number of shares a day, `precision` how numbers are written; a `thin`
    ticker (one in twenty) does not trade at all on some days, which are then absent, and trades at
    one price on others. Each is drawn at random if it is not given; `first_close` must be 1e-4 or
    more. Every bar has 0 < low <= open, close <= high.

    With `pays` what is expected of a day is that many times the drift of its regime, whatever its
    volatility: at 0 regimes look different and none pays. (Without it a drift is one of logarithms, so
    a volatile regime is expected to gain.) `market`, shape (days,), is added to every ticker's day.
    """
    count = len(days)
    regime = _regimes(count, random)
    part = {name: values[regime] for name, values in _PARAMETERS.items()}
    scale, price_draw, volume_draw, thin_draw = random.random(4)
    volatility = part["volatility"] * (0.6 + scale)
    if first_close is None:
        first_close = float(exponential(np.float64(1.2 + 3.6 * price_draw)))
    if first_volume is None:
        first_volume = float(exponential(np.float64(9.0 + 6.5 * volume_draw)))

    move = _bell(random, count)
    news = random.random(count) < NEWS_RATE
    night = volatility * NIGHT * _bell(random, count) * np.where(news, NEWS_SIZE, 1.0)
    day = part["drift"] + volatility * DAY * move
    if pays is not None:
        # Of a logarithm: half the variance less gives the expected gain.
        day = day + (pays - 1.0) * part["drift"] - volatility * volatility * VARIANCE / 2
    if market is not None:
        day = day + market
    path = np.clip(np.cumsum(night + day), -LARGEST_LOG_MOVE, LARGEST_LOG_MOVE)
    close = first_close * exponential(path)
    opening = np.concatenate([[first_close], close[:-1]])[:count] * exponential(night)
    upper = part["upper_wick"] * volatility * np.abs(_bell(random, count))
    lower = part["lower_wick"] * volatility * np.abs(_bell(random, count))
    high = np.maximum(opening, close) * (1 + upper)
    low = np.minimum(opening, close) * (1 - lower)
    excitement = 0.45 * _bell(random, count) + part["volume_on_up_days"] * move + 1.0 * news
    volume = first_volume * part["volume_factor"] * exponential(excitement)

    traded = np.ones(count, dtype=bool)
    if thin_draw < THIN_SHARE if thin is None else thin:
        traded = random.random(count) >= THIN_ABSENT_RATE
        flat = random.random(count) < THIN_FLAT_RATE
        opening, high, low = (np.where(flat, close, price) for price in (opening, high, low))
        volume *= np.where(flat, random.random(count) < 0.5, 1.0) * 0.01
    if precision is None:
        precision = random_precision(random, count)
    opening, high, low, close = precision.prices(opening, high, low, close)
    volume = precision.volume(volume)
    columns = (days, opening, high, low, close, volume, regime)
    return Bars(*(column[traded] for column in columns))


def market_moves(days: np.ndarray, seed: int, first: date) -> np.ndarray:
    """What all tickers of an archive have in common on each of `days`, in logs; no gain is expected.

    The move of a day is the same whatever other days are asked for; `first` is no later than any.
    """
    every = trading_days(first, days[-1].item()) if len(days) else days
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,)))
    bell = (random.random((len(every), 4)).sum(axis=1) - 2.0) * sqrt(3.0)
    moves = MARKET_VOLATILITY * bell - MARKET_VOLATILITY * MARKET_VOLATILITY / 2
    found: np.ndarray = moves[np.searchsorted(every, days)]
    return found


def _regimes(count: int, random: np.random.Generator) -> np.ndarray:
    """Regime of each of `count` days, (count,) int8, from the chain `TRANSITIONS`."""
    reviewed = random.random(count) < REVIEW_RATE
    draws = random.random(int(reviewed.sum())).tolist()
    # Without the last bound, which is 1 only up to rounding, no draw can fall past the end.
    bounds = [np.cumsum(odds)[:-1].tolist() for odds in ODDS]
    states = [int(random.integers(len(REGIMES)))]
    for draw in draws:
        states.append(bisect_right(bounds[states[-1]], draw))
    return np.array(states, dtype=np.int8)[np.cumsum(reviewed)]


def _bell(random: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """(count,) bell-shaped draws of mean 0 and variance 1 within ±3.47: four uniforms, summed.

    A sampler of exact normals takes logarithms in its tails.
    """
    first, second, third, fourth = random.random((4, count))
    bell: npt.NDArray[np.float64] = (first + second + third + fourth - 2.0) * sqrt(3.0)
    return bell
