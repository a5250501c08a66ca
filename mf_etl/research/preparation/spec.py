"""How a dataset is prepared for a model, checked before anything is read."""

from __future__ import annotations

import datetime
from collections import Counter
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from mf_etl.research.datasets.columns import (
    FEATURES,
    HMM_FEATURES,
    OUTCOME_BARS,
    looks_ahead,
)
from mf_etl.settings.sections import Section

PURGE_BARS = OUTCOME_BARS
"""Bars that the longest outcome looks ahead: how far before the test period a purge can reach."""


class PreparationSpec(Section):
    """Features, split, scaling and clipping of one prepared matrix."""

    features: tuple[str, ...] = FEATURES
    """Columns of the dataset to use, in the order of the matrix."""
    scaler: Literal["standard", "robust"] = "standard"
    """Centre and spread: mean and population standard deviation, or median and interquartile
    range."""
    scaling_scope: Literal["global", "per_ticker"] = "global"
    """One centre and spread a feature, or one a ticker and feature; a ticker with too few rows to fit
    on is then left out."""
    scaling_min_rows: int = Field(default=250, ge=1)
    """Rows to fit on that a ticker needs for a scale of its own (per_ticker): of one with 17, 99 % of
    the rows were clipped."""
    clip_zscore: float | None = Field(default=8.0, gt=0, allow_inf_nan=False)
    """Scaled values are clipped to ± this; null clips nothing."""
    split_mode: Literal["none", "time"] = "time"
    """`time` splits by date; `none` fits on and predicts every row, so all of it is in-sample."""
    train_end: datetime.date | None = None
    """Last day of the train period; null follows the data, see train_share."""
    train_share: float = Field(default=0.7, gt=0, lt=1)
    """Without train_end, the train period ends with the year in which this share of the trading days
    is reached (with the month, where that year is the last), so it does not move every evening."""
    test_start: datetime.date | None = None
    """First day of the test period; null is the day after train_end."""
    test_end: datetime.date | None = None
    """Last day of the test period; null is the last there is."""
    fit_on: Literal["train", "all"] = "train"
    """Rows that scaler and model are fitted on; `all` is every row of the dataset."""
    predict_on: Literal["test", "train", "all"] = "all"
    """Rows that are predicted; `all` is every row of the dataset."""

    @field_validator("features")
    @classmethod
    def _usable_features(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("at least one feature is needed")
        if outcomes := [name for name in names if looks_ahead(name)]:
            raise ValueError(f"outcomes look ahead and are never features: {', '.join(outcomes)}")
        if repeated := [name for name, n in Counter(names).items() if n > 1]:
            raise ValueError(f"asked for more than once: {', '.join(repeated)}")
        return names

    @model_validator(mode="after")
    def _dates_fit_the_split(self) -> Self:
        if self.split_mode == "none":
            if self.train_end or self.test_start or self.test_end:
                raise ValueError("train_end, test_start and test_end need split_mode time")
            return self
        if self.test_end and self.test_start and self.test_end < self.test_start:
            raise ValueError(f"test_end {self.test_end} is before test_start {self.test_start}")
        if self.train_end is None:
            return self
        if self.train_end == datetime.date.max:
            raise ValueError(f"train_end {self.train_end} leaves no day to test on")
        if self.first_test_day <= self.train_end:
            raise ValueError(
                f"test_start {self.test_start} is not after train_end {self.train_end}"
            )
        if self.test_end is not None and self.test_end < self.first_test_day:
            raise ValueError(f"test_end {self.test_end} is before test_start {self.first_test_day}")
        return self

    @property
    def first_test_day(self) -> datetime.date:
        """`test_start`, or its default; only with a split by time whose train_end is known."""
        if self.train_end is None:
            raise ValueError("train_end is not known yet")
        return self.test_start or self.train_end + datetime.timedelta(days=1)


class HmmPreparation(PreparationSpec):
    """As `PreparationSpec`, with the features that a hidden Markov model has by default."""

    features: tuple[str, ...] = HMM_FEATURES
    """Columns of the dataset to use, in the order of the matrix; each varies every day in a state."""
