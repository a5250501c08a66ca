"""Small markets as the portfolio reads them: rows of tickers with labels."""

from __future__ import annotations

import numpy as np
import polars as pl

FIRST = 18_000
"""The first day, in days since 1970."""


def rows(
    seed,
    *,
    tickers=20,
    days=120,
    states=3,
    pays=None,
    absent=0.02,
    thin=0.02,
    dwell=20,
):
    """Rows of a market by ticker and date, with labels that persist and earn `pays` a day by state.

    Some rows are missing, some have no volume, some no estimate of their spread; some names are listed
    later and some end early.
    """
    random = np.random.default_rng(seed)
    pays = np.zeros(states) if pays is None else np.asarray(pays)
    factor = 0.008 * random.normal(size=days + 1)
    frames = []
    for number in range(tickers):
        change = random.random(days + 1) < 1 / dwell
        change[0] = True
        start = np.maximum.accumulate(np.where(change, np.arange(days + 1), 0))
        state = random.integers(0, states, days + 1)[start]
        # From one open to the next: what the label of the close before that open knows.
        drift = np.concatenate([[0.0], pays[state[:-1]]])
        gain = factor + drift + 0.015 * random.normal(size=days + 1)
        opened = 50 * np.exp(np.cumsum(gain))[:-1] / np.exp(gain[0])
        night = 0.004 * random.normal(size=days)
        frame = pl.DataFrame(
            {
                "ticker": f"T{number:04d}.US",
                "exchange": "NYSE" if number % 3 else "NASDAQ",
                "trade_date": pl.Series(np.arange(days, dtype=np.int32) + FIRST).cast(pl.Date),
                "open": opened,
                "close": opened * np.exp(gain[1:] + night),
                "volume": np.where(random.random(days) < thin, 0.0, 1e6),
                "adv_20": random.lognormal(16, 0.3, days),
                "sigma_20": 0.015 + 0.01 * random.random(days),
                "spread_60": pl.Series(
                    np.where(random.random(days) < 0.1, np.nan, 0.002 * random.random(days)),
                    nan_to_null=True,
                ),
                "eligible": random.random(days) < 0.9,
                "state": np.where(random.random(days) < 0.03, -1, state[:days]),
            }
        )
        first = int(random.integers(1, days // 2)) if random.random() < 0.2 else 0
        last = int(random.integers(days // 2, days)) if random.random() < 0.2 else days
        keep = (random.random(days) >= absent) & (np.arange(days) >= first)
        frames.append(frame.filter(pl.Series(keep & (np.arange(days) < last))))
    return pl.concat(frames)
