"""What a portfolio's daily results come to, and how large it may be."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from mf_etl.research.inference.hac import line
from mf_etl.research.inference.sums import Floats
from mf_etl.research.validation.sharpe import (
    DAYS_A_YEAR,
    deflated_sharpe,
    max_drawdown,
    sharpe,
    sharpe_error,
)
from mf_etl.research.validation.trials import Trials
from mf_etl.schemas.validation_tables import PERFORMANCE

TOP = 10


def performance_table(
    daily: pl.DataFrame, positions: pl.DataFrame, counted: Trials, *, h: int
) -> pl.DataFrame:
    """`performance`: a row for each strategy of `daily`, in its order."""
    rows = []
    for strategy in daily.get_column("strategy").unique(maintain_order=True):
        own = positions.filter(strategy=strategy).group_by(
            "ticker", "exchange", maintain_order=True
        )
        told = performance(
            daily.filter(strategy=strategy).drop_nulls("active"),
            own.agg(pl.col("profit").sum()).get_column("profit").to_numpy(),
            counted,
            h=h,
        )
        rows.append({"strategy": strategy, **told})
    return pl.DataFrame(rows, schema=PERFORMANCE.schema(), orient="row")


def performance(
    daily: pl.DataFrame, profit_by_ticker: Floats, counted: Trials, *, h: int
) -> dict[str, Any]:
    """What one strategy's days come to.

    `daily`: net, market_net, active, cost, turnover by day, all known. Sharpe ratios and the error of
    one are of a year, of `active`; psr and dsr are probabilities, null without four trials. `alpha`
    (a day) and `beta` are of net on the market's. `profit_by_ticker`, shape (names,), is Σ of
    weight·earned. None where something cannot be told.
    """
    net, market, active = (
        daily.get_column(name).to_numpy() for name in ("net", "market_net", "active")
    )
    fitted = line(net, market, h)
    psr, dsr = deflated_sharpe(active, counted.count, counted.variance or 0.0)
    year = math.sqrt(DAYS_A_YEAR)
    found = {
        "days": daily.height,
        "mean_active": active.mean() if len(active) else None,
        "ann_vol": active.std() * year if len(active) else None,
        "sharpe_active": sharpe(active) * year,
        "se_sharpe": sharpe_error(active, h) * year,
        "psr": psr,
        "dsr": dsr if counted.variance is not None else None,
        "alpha": fitted.alpha,
        "beta": fitted.beta,
        "t_alpha": fitted.t_alpha,
        "max_drawdown": max_drawdown(net),
        "turnover_year": _yearly(daily, "turnover"),
        "cost_drag": _yearly(daily, "cost"),
        "hit_days": float((active > 0).mean()) if len(active) else None,
        "worst_day": float(net.min()) if len(net) else None,
        "share_of_profit_of_top_10_days": share_of_top(active),
        "share_of_profit_of_top_10_tickers": share_of_top(profit_by_ticker),
    }
    return {name: _plain(value) for name, value in found.items()}


def share_of_top(profits: Floats, top: int = TOP) -> float | None:
    """Sum of the largest over the sum of all; None where all together made no profit."""
    total = float(profits.sum())
    return float(np.sort(profits)[-top:].sum()) / total if total > 0 else None


def break_even_aum(mean_active: Mapping[float, float]) -> float | None:
    """The size, in currency, at which mean_active is 0: by lines between sizes, on their logarithm.

    None if it is nowhere above 0, or above 0 at the largest size.
    """
    sizes = sorted(mean_active)
    for small, large in itertools.pairwise(sizes):
        above, below = mean_active[small], mean_active[large]
        if above > 0 >= below:
            part = above / (above - below)
            return float(small * (large / small) ** part)
    return None


def _yearly(daily: pl.DataFrame, name: str) -> float | None:
    values = daily.get_column(name).to_numpy()
    return float(values.mean()) * DAYS_A_YEAR if len(values) else None


def _plain(value: float | int | None) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    return float(value) if math.isfinite(value) else None
