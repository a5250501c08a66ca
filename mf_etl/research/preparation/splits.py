"""Which rows a model is fitted on, which it predicts, and whose outcomes reach into the test."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence

import polars as pl

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import OUTCOME_END
from mf_etl.research.datasets.request import checked
from mf_etl.research.preparation.spec import PreparationSpec

PERIODS = ("all", "train", "between", "test", "after")
SPLIT_COLUMNS = ("is_fit", "is_predict", "outcome_purged", "period")


def with_split(rows: pl.DataFrame, spec: PreparationSpec) -> pl.DataFrame:
    """`rows` of a dataset with `SPLIT_COLUMNS`, from `trade_date` and `outcome_end_date`.

    `period` is one of `PERIODS`: ``all`` without a split; else ``train`` to train_end, ``between``
    train_end and test_start, ``test``, and ``after`` test_end. `outcome_purged` marks train rows
    whose outcomes look at a day of the test period or later: they stay in the fit, for their
    features look back only, but their outcomes are no part of what was known in training. `spec` is
    a `settled` one.
    """
    if spec.split_mode == "none":
        every = {"is_fit": True, "is_predict": True, "outcome_purged": False}
        return rows.with_columns(
            *(pl.lit(value).alias(name) for name, value in every.items()),
            pl.lit("all").alias("period"),
        )
    day = pl.col("trade_date")
    in_train = day <= spec.train_end
    in_test = day >= spec.first_test_day
    after = pl.lit(False) if spec.test_end is None else day > spec.test_end
    sides = {"train": in_train, "test": in_test & ~after, "all": pl.lit(True)}
    reaches_test = (pl.col(OUTCOME_END) >= spec.first_test_day).fill_null(False)
    return rows.with_columns(
        sides[spec.fit_on].alias("is_fit"),
        sides[spec.predict_on].alias("is_predict"),
        (in_train & reaches_test).alias("outcome_purged"),
        pl.when(in_train)
        .then(pl.lit("train"))
        .when(after)
        .then(pl.lit("after"))
        .when(in_test)
        .then(pl.lit("test"))
        .otherwise(pl.lit("between"))
        .alias("period"),
    )


def settled(spec: PreparationSpec, days: Sequence[datetime.date]) -> PreparationSpec:
    """`spec` with a train_end, by its share of `days`, the trading days there are, ascending.

    Raises `ResearchError` if no day is left for the test period.
    """
    if spec.split_mode == "none":
        return spec
    if not days:
        raise ResearchError("there are no rows to split; export the dataset with other options")
    train_end = spec.train_end or train_end_by_share(days, spec.train_share)
    if train_end is None or train_end >= days[-1]:
        end = f"train_end {train_end}" if train_end else f"{spec.train_share:.0%} of the days"
        raise ResearchError(
            f"{end} leaves no day to test on: the dataset covers {days[0]} to {days[-1]}; choose an "
            "earlier train_end, or split_mode none"
        )
    values = spec.model_dump() | {"train_end": train_end}
    return checked(type(spec), values, "preparation")


def train_end_by_share(days: Sequence[datetime.date], share: float) -> datetime.date | None:
    """Last of `days` in the year in which `share` of them is reached, or in its month.

    The month decides where the year is the last there is. None if nothing is left even so.
    """
    reached = days[math.ceil(share * len(days)) - 1]
    of_year = max(day for day in days if day.year == reached.year)
    of_month = max(d for d in days if (d.year, d.month) == (reached.year, reached.month))
    return next((day for day in (of_year, of_month) if day < days[-1]), None)
