"""Which rows a model is fitted on, which it predicts, and whose outcomes reach into the test."""

from __future__ import annotations

import polars as pl

from mf_etl.research.datasets.columns import OUTCOME_END
from mf_etl.research.preparation.spec import PreparationSpec

PERIODS = ("all", "train", "between", "test", "after")
SPLIT_COLUMNS = ("is_fit", "is_predict", "outcome_purged", "period")


def with_split(rows: pl.DataFrame, spec: PreparationSpec) -> pl.DataFrame:
    """`rows` of a dataset with `SPLIT_COLUMNS`, from `trade_date` and `outcome_end_date`.

    `period` is one of `PERIODS`: ``all`` without a split; else ``train`` to train_end, ``between``
    train_end and test_start, ``test``, and ``after`` test_end. `outcome_purged` marks train rows
    whose outcomes look at a day of the test period or later: they stay in the fit, for their
    features look back only, but their outcomes are no part of what was known in training.
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
