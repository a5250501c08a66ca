"""What rows of a label are like, and what happened after them, for each view and period."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mf_etl.research.datasets.columns import OUTCOME_STATISTICS, OUTCOMES
from mf_etl.research.datasets.streaming import in_order
from mf_etl.research.evaluation.groups import Group, Groups

COLUMN_THREADS = 2
"""Columns held whole at a time at most, whatever the number of threads."""

PROFILE_FEATURES = (
    "tmf_21", "tti_proxy_v1_21", "long_flow_score_20", "short_flow_score_20", "delta_flow_20",
    "flow_activity_20", "flow_bias_20", "atr_pct_14", "dollar_volume",
)  # fmt: skip
"""Columns that profiles describe labels by besides the model's features, unscaled."""

Schema = Mapping[str, type[pl.DataType]]
Statistics = dict[str, float | int | None]

_FEATURE: Schema = {"mean": pl.Float64, "std": pl.Float64}
_OUTCOME: Schema = {name: pl.Int64 if name == "n" else pl.Float64 for name in OUTCOME_STATISTICS}


def profiles(
    groups: Groups,
    *,
    features: Sequence[str],
    outcomes: Sequence[str] = OUTCOMES,
    threads: int = 1,
) -> pl.DataFrame:
    """One row a view, period and label.

    `view`, `period`, `in_sample`, the label, `rows`, `share` of the period's rows, `tickers`,
    `first_date`, `last_date`; `{feature}_mean` and `_std` of the unscaled features; and
    `{outcome}_n`, `_mean`, `_median`, `_std`, `_p10`, `_p90` and `_hit_rate` (share above 0). All are
    over finite values; deviations are of the population; without a value they are null. An outcome of
    a purged row counts nowhere: it reaches into the test period.
    """
    labelled = groups.labelled

    def described(name: str) -> pl.DataFrame:
        if name in outcomes:
            return _statistics(groups, labelled.outcome(name), outcome_summary, name, _OUTCOME)
        return _statistics(groups, labelled.column(name), _mean_and_std, name, _FEATURE)

    names = [n for n in dict.fromkeys((*features, *outcomes)) if n in labelled.prepared.columns]
    found = in_order(described, names, min(threads, COLUMN_THREADS))
    return pl.concat([groups.keys(), _extent(groups), *found], how="horizontal")


def outcome_summary(values: NDArray[Any]) -> Statistics:
    """n, mean, median, population std, p10, p90 and share above 0 of the finite values."""
    finite = _finite(values)
    if not len(finite):
        return {"n": 0}
    told = {"n": len(finite), **_mean_and_std(finite), "hit_rate": float((finite > 0).mean())}
    # Last, for it moves the values about.
    quantiles = np.percentile(finite, (10, 50, 90), overwrite_input=True)
    return told | dict(zip(("p10", "median", "p90"), map(float, quantiles), strict=True))


def statistics(groups: Groups, names: Sequence[str]) -> pl.DataFrame:
    """Mean, p10 and median of columns of the labelled rows, one row a view, period and label."""
    kept = dict.fromkeys(("mean", "p10", "median"), pl.Float64)
    parts = [
        _statistics(groups, groups.labelled.column(name), outcome_summary, name, kept)
        for name in names
    ]
    return pl.concat([groups.keys(), *parts], how="horizontal")


def _statistics(
    groups: Groups,
    values: NDArray[Any],
    describe: Callable[[NDArray[Any]], Statistics],
    name: str,
    schema: Schema,
) -> pl.DataFrame:
    rows = [describe(found) for _, found in groups.ordered(values)]
    columns = {
        f"{name}_{what}": pl.Series([row.get(what) for row in rows], dtype=dtype)
        for what, dtype in schema.items()
    }
    return pl.DataFrame(columns)


def _extent(groups: Groups) -> pl.DataFrame:
    """Rows, share of the view's period, tickers, first and last date."""
    labelled = groups.labelled
    names, _ = labelled.prepared.ticker_codes
    of_side: dict[tuple[str, str], int] = {}
    for group in groups.every:
        side = (group.view.name, group.period)
        of_side[side] = of_side.get(side, 0) + group.rows.stop - group.rows.start
    days = labelled.days
    first_day, last_day = int(days.min()), int(days.max())
    of_days = groups.counts(days - first_day, last_day - first_day + 1)
    tickers = groups.counts(labelled.ticker_codes, len(names))

    def told(group: Group, of_day: NDArray[np.int64], of_ticker: NDArray[np.int64]) -> Statistics:
        found = np.flatnonzero(of_day) + first_day
        rows = int(of_day.sum())
        return {
            "rows": rows,
            "share": rows / max(1, of_side[group.view.name, group.period]),
            "tickers": int(np.count_nonzero(of_ticker)),
            "first_date": int(found[0]) if rows else None,
            "last_date": int(found[-1]) if rows else None,
        }

    counts: Schema = {"rows": pl.Int64, "share": pl.Float64, "tickers": pl.Int64}
    dates: Schema = {"first_date": pl.Int32, "last_date": pl.Int32}
    both = zip(of_days, tickers, strict=True)
    rows = [told(group, of_day, of_ticker) for (group, of_day), (_, of_ticker) in both]
    frame = pl.DataFrame(rows, schema={**counts, **dates})
    return frame.with_columns(pl.col(*dates).cast(pl.Date))


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    finite: NDArray[np.float64] = values[np.isfinite(values)].astype(np.float64)
    return finite


def _mean_and_std(values: NDArray[Any]) -> Statistics:
    finite = _finite(values)
    return {"mean": float(finite.mean()), "std": float(finite.std())} if len(finite) else {}
