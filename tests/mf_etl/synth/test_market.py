"""Simulated bars: consistent, reproducible, and shaped by their regimes."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mf_etl.synth import REGIMES, TRANSITIONS, simulate_bars
from mf_etl.synth.market import market_moves
from mf_etl.synth.precision import compact_dates, exponential, standard_csv
from mf_etl.synth.trading_days import trading_days

DAYS = trading_days(date(1990, 1, 1), date(2024, 12, 31))
QUIET, DEMAND, SUPPLY, TURBULENT = range(4)


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(
    seed=st.integers(0, 2**63),
    count=st.integers(0, 400),
    first_close=st.none() | st.floats(1e-4, 1e6),
    thin=st.none() | st.booleans(),
)
def test_every_bar_is_consistent(seed, count, first_close, thin):
    days = DAYS[:count]
    bars = simulate_bars(days, generator(seed), first_close=first_close, thin=thin)
    assert (bars.low > 0).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.volume >= 0).all()
    assert np.isfinite(bars.high).all() and np.isfinite(bars.volume).all()
    assert np.isin(bars.date, days).all() and (np.diff(bars.date) > np.timedelta64(0)).all()
    assert np.isin(bars.regime, range(len(REGIMES))).all()
    assert all(
        len(column) == len(bars) for column in (bars.open, bars.close, bars.volume, bars.regime)
    )
    assert thin is not False or len(bars) == count


@given(seed=st.integers(0, 2**63))
def test_text_says_exactly_what_the_bars_hold(seed):
    bars = simulate_bars(DAYS[:300], generator(seed))
    columns = [bars.date, bars.open, bars.high, bars.low, bars.close, bars.volume]
    lines = standard_csv("T.US", columns).decode().split("\r\n")
    fields = np.array([line.split(",") for line in lines[1:-1]])
    assert lines[-1] == "" and "\n" not in "".join(lines)
    assert (fields[:, 2].astype(int) == compact_dates(bars.date)).all()
    for field, column in enumerate(columns[1:], start=4):
        assert (fields[:, field].astype(float) == column).all()
    assert not any(text.endswith(".0") or "e" in text for text in fields[:, 4:9].ravel())


def test_regimes_follow_the_transition_matrix():
    pairs = np.zeros_like(TRANSITIONS)
    for seed in range(60):
        regime = simulate_bars(DAYS, generator(seed), thin=False).regime
        np.add.at(pairs, (regime[:-1], regime[1:]), 1)
    visits = pairs.sum(axis=1, keepdims=True)
    spread = np.sqrt(TRANSITIONS * (1 - TRANSITIONS) / visits)
    assert np.allclose(TRANSITIONS.sum(axis=1), 1)
    assert (np.abs(pairs / visits - TRANSITIONS) < 5 * spread).all()


def test_regimes_shape_returns_volumes_and_closes():
    parts = [simulate_bars(DAYS, generator(seed), thin=False) for seed in range(40)]
    regime = np.concatenate([bars.regime[1:] for bars in parts])
    change = np.concatenate([np.log(bars.close[1:] / bars.close[:-1]) for bars in parts])
    volume = np.concatenate([bars.volume[1:] / bars.volume.mean() for bars in parts])
    in_range = np.concatenate(
        [(bars.close - bars.low)[1:] / np.maximum(bars.high - bars.low, 1e-9)[1:] for bars in parts]
    )

    def by_regime(statistic, values):
        return [statistic(values[regime == state]) for state in range(4)]

    drift, deviation = by_regime(np.mean, change), by_regime(np.std, change)
    assert drift[DEMAND] > 0.001 and drift[SUPPLY] < -0.0008
    assert deviation[QUIET] < deviation[DEMAND] < deviation[TURBULENT]
    assert deviation[SUPPLY] < deviation[TURBULENT] / 2
    volumes = by_regime(np.mean, volume)
    assert volumes[QUIET] < volumes[DEMAND] < volumes[TURBULENT]
    position = by_regime(np.mean, in_range)
    assert position[SUPPLY] < 0.4 < position[QUIET] < 0.6 < position[DEMAND]


def test_half_of_the_files_have_fractional_volumes_and_some_begin_late():
    firsts = []
    for seed in range(400):
        volume = simulate_bars(DAYS[:1500], generator(seed), thin=False).volume
        fractional = np.flatnonzero(volume % 1)
        firsts.append(fractional[0] if len(fractional) else -1)
    firsts = np.array(firsts)
    assert 0.4 < (firsts >= 0).mean() < 0.6
    assert 0.05 < (firsts >= 100).mean() < 0.2


def test_exponential_is_near_the_exact_one():
    values = np.linspace(-4, 4, 101)
    assert np.allclose(exponential(values), np.exp(values), rtol=0.01)


def daily_gain(pays, seed=0, tickers=60):
    """Mean gain from close to close by regime, and its error."""
    gains, regimes = [], []
    for number in range(tickers):
        bars = simulate_bars(DAYS, generator(1000 * seed + number), thin=False, pays=pays)
        gains.append(bars.close[1:] / bars.close[:-1] - 1)
        regimes.append(bars.regime[1:])
    gain, regime = np.concatenate(gains), np.concatenate(regimes)
    of = [gain[regime == one] for one in range(len(REGIMES))]
    return np.array([one.mean() for one in of]), np.array(
        [one.std() / len(one) ** 0.5 for one in of]
    )


def test_regimes_pay_what_is_asked_whatever_their_volatility():
    drift = np.array([regime.drift for regime in REGIMES])
    for pays in (0.0, 2.0):
        mean, error = daily_gain(pays)
        assert (np.abs(mean - pays * drift) < 4 * error + 1e-5).all()
    mean, error = daily_gain(None)
    assert mean[TURBULENT] > 3 * error[TURBULENT]


def test_the_market_of_a_day_is_the_same_whatever_else_is_asked_for():
    moves = market_moves(DAYS, 5, DAYS[0].item())
    assert (market_moves(DAYS[3000:3100], 5, DAYS[0].item()) == moves[3000:3100]).all()
    assert (market_moves(DAYS[:50], 6, DAYS[0].item()) != moves[:50]).all()
    assert abs(moves.mean()) < 3e-4 and 0.0075 < moves.std() < 0.0085
    assert len(market_moves(DAYS[:0], 5, DAYS[0].item())) == 0


def test_all_tickers_have_the_market_in_common():
    moves = market_moves(DAYS, 1, DAYS[0].item())
    parts = [
        simulate_bars(DAYS, generator(seed), thin=False, pays=0.0, market=moves) for seed in (1, 2)
    ]
    gains = [np.diff(np.log(part.close)) for part in parts]
    assert 0.1 < np.corrcoef(*gains)[0, 1] < 0.6
