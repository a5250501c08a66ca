"""The first pass over a dataset: counts, nulls, moments of the fit rows, and what is refused."""

from __future__ import annotations

import datetime
import functools
import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.streaming import in_order
from mf_etl.research.preparation.scaling import Moments
from mf_etl.research.preparation.source import Source, arrays
from mf_etl.research.preparation.spec import PreparationSpec

_FIT, _PREDICT = pl.col("is_fit"), pl.col("is_predict")


@dataclass(frozen=True)
class Survey:
    """What the rows of a dataset are, before anything is scaled.

    `chosen` rows are to be fitted on or predicted; of them, `nulls` counts the nulls of each
    feature. Complete rows have no null feature: `by_ticker` counts them by ticker and period
    (columns ticker, period, rows, fit, predict, purged, first_day, last_day), `moments` are of
    those to fit on, and `fit_masks` says of every row of each shard whether it is one of these.
    """

    source: Source
    chosen: int
    nulls: np.ndarray
    moments: Moments
    by_ticker: pl.DataFrame
    fit_masks: list[np.ndarray]

    @property
    def fit_tickers(self) -> pl.DataFrame:
        """One column, ticker: those with at least one complete row to fit on."""
        return self.by_ticker.filter(pl.col("fit") > 0).select("ticker").unique(maintain_order=True)


@dataclass(frozen=True)
class _Shard:
    """The survey of one shard; `rows` are those chosen, of them to fit on and to predict.

    `periods` counts all rows by period.
    """

    rows: tuple[int, int, int]
    periods: dict[str, int]
    days: tuple[datetime.date, datetime.date]
    tickers: tuple[str, str]
    nulls: np.ndarray
    moments: Moments
    by_ticker: pl.DataFrame
    fit_mask: np.ndarray


def survey(source: Source, threads: int) -> Survey:
    """Read the features of every row once; shards are added up in order.

    Raises `ResearchError` if a side of the split is empty, a feature is null on every row or holds
    NaN or infinity, or rows are not in order of ticker.
    """
    if not source.rows:
        raise ResearchError(f"dataset {source.path} has no rows; export it with other options")
    shards = list(in_order(partial(_surveyed, source), source.shards, threads))
    if any(later.tickers[0] < shard.tickers[1] for shard, later in itertools.pairwise(shards)):
        raise _unordered(source)
    _refuse_empty_sides(shards, source)
    found = Survey(
        source,
        chosen=sum(shard.rows[0] for shard in shards),
        nulls=np.sum([shard.nulls for shard in shards], axis=0),
        moments=functools.reduce(Moments.merged, (shard.moments for shard in shards)),
        by_ticker=pl.concat(shard.by_ticker for shard in shards)
        .group_by("ticker", "period", maintain_order=True)
        .agg(
            pl.col("rows", "fit", "predict", "purged").sum(),
            pl.col("first_day").min(),
            pl.col("last_day").max(),
        ),
        fit_masks=[shard.fit_mask for shard in shards],
    )
    _refuse_incomplete(found)
    return found


def _surveyed(source: Source, index: int) -> _Shard:
    features = source.spec.features
    rows = source.shard(index)
    tickers = rows.get_column("ticker")
    if not tickers.is_sorted():
        raise _unordered(source)
    chosen = rows.filter(_FIT | _PREDICT)
    _refuse_infinite(chosen, features)
    complete = source.complete(rows)
    mask = rows.select(
        pl.all_horizontal(_FIT, *(pl.col(name).is_not_null() for name in features))
    ).to_series()
    return _Shard(
        rows=chosen.select(pl.len(), pl.sum("is_fit", "is_predict")).row(0),
        periods=dict(rows.group_by("period").len().rows()),
        days=rows.select(first=pl.min("trade_date"), last=pl.max("trade_date")).row(0),
        tickers=(tickers[0], tickers[-1]),
        nulls=np.array([chosen.get_column(name).null_count() for name in features]),
        moments=Moments.of(arrays(rows.filter(mask), features)),
        by_ticker=complete.group_by("ticker", "period", maintain_order=True).agg(
            pl.len().cast(pl.Int64).alias("rows"),
            _FIT.sum().cast(pl.Int64).alias("fit"),
            _PREDICT.sum().cast(pl.Int64).alias("predict"),
            pl.col("outcome_purged").sum().cast(pl.Int64).alias("purged"),
            pl.col("trade_date").min().alias("first_day"),
            pl.col("trade_date").max().alias("last_day"),
        ),
        fit_mask=mask.to_numpy(),
    )


def _unordered(source: Source) -> ResearchError:
    return ResearchError(
        f"dataset {source.path}: rows are not in order of ticker; export the dataset again"
    )


def _refuse_infinite(rows: pl.DataFrame, features: tuple[str, ...]) -> None:
    for name in features:
        column = rows.get_column(name)
        if column.dtype.is_float() and not column.is_finite().all():
            row = rows.filter(~column.is_finite()).row(0, named=True)
            raise ResearchError(
                f"feature {name} holds NaN or infinity, first of {row['ticker']} on "
                f"{row['trade_date']}; build the gold features and the dataset again"
            )


def _refuse_empty_sides(shards: list[_Shard], source: Source) -> None:
    spec = source.spec
    _, *sides = (sum(counts) for counts in zip(*(shard.rows for shard in shards), strict=True))
    counts = [
        (f"to {side} in the {period}", rows)
        for (side, period), rows in zip(_sides(spec), sides, strict=True)
        if side == "predict" or source.is_learnt_from
    ]
    if spec.split_mode == "time" and source.is_learnt_from:
        # Also of a side that nothing is fitted on or predicted for: its figures would be of nothing.
        in_period = {
            name: sum(s.periods.get(name, 0) for s in shards) for name in ("train", "test")
        }
        counts += [(f"in the {words}", in_period[name]) for name, words in _periods(spec).items()]
    for place, rows in counts:
        if not rows:
            first, last = min(s.days[0] for s in shards), max(s.days[1] for s in shards)
            raise ResearchError(
                f"no rows {place}; the dataset covers {first} to {last}; change the dates"
            )


def _refuse_incomplete(found: Survey) -> None:
    spec = found.source.spec
    for name, nulls in zip(spec.features, found.nulls, strict=True):
        if nulls == found.chosen:
            raise ResearchError(
                f"feature {name} is null on each of {nulls} rows; "
                "leave it out or export the dataset again"
            )
    complete = found.by_ticker.select(pl.col("fit", "predict").sum()).row(0)
    for (side, period), rows in zip(_sides(spec), complete, strict=True):
        if not rows and (side == "predict" or found.source.is_learnt_from):
            worst = spec.features[int(np.argmax(found.nulls))]
            raise ResearchError(
                f"no rows to {side} in the {period} have every feature; {worst} is null most "
                "often; leave it out or change the dates"
            )


def _sides(spec: PreparationSpec) -> list[tuple[str, str]]:
    """Both sides and, in words, the days that each takes its rows from."""
    periods = {"all": "whole dataset"} | (_periods(spec) if spec.split_mode == "time" else {})
    return [
        ("fit on", periods.get(spec.fit_on, periods["all"])),
        ("predict", periods.get(spec.predict_on, periods["all"])),
    ]


def _periods(spec: PreparationSpec) -> dict[str, str]:
    """Both periods of a split by time, in words."""
    return {
        "train": f"train period, to {spec.train_end}",
        "test": f"test period, {spec.first_test_day} to {spec.test_end or 'the last day'}",
    }
