"""The specification: defaults of the contract, and what it refuses."""

from __future__ import annotations

import datetime

import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import FEATURES, OUTCOMES
from mf_etl.research.datasets.request import checked
from mf_etl.research.preparation.spec import PURGE_BARS, PreparationSpec


def test_defaults():
    spec = PreparationSpec()
    assert spec.features == FEATURES and spec.clip_zscore == 8
    assert (spec.scaler, spec.scaling_scope, spec.split_mode) == ("standard", "global", "none")
    assert PURGE_BARS == 21


def test_the_test_period_starts_the_day_after_the_train_period():
    spec = PreparationSpec(split_mode="time", train_end="2019-12-31")
    assert spec.first_test_day == datetime.date(2020, 1, 1)


TIME = {"split_mode": "time", "train_end": "2020-01-31"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        *(({"features": [name]}, f"never features: {name}") for name in OUTCOMES),
        ({"features": ["tmf_21", "fwd_ret_99"]}, "never features: fwd_ret_99"),
        *(
            ({"features": [name]}, f"never features: {name}")
            for name in ("outcome_end_date", "delisted", "fwd_bars")
        ),
        ({"features": []}, "at least one feature"),
        ({"features": ["tmf_21", "tmf_21"]}, "more than once: tmf_21"),
        ({"clip_zscore": 0}, "clip_zscore = 0"),
        ({"clip_zscore": float("inf")}, "clip_zscore = inf"),
        ({"scaler": "minmax"}, "scaler = 'minmax'"),
        ({"split_mode": "time"}, "needs train_end"),
        ({"train_end": "2020-01-31"}, "need split_mode time"),
        ({**TIME, "test_start": "2020-01-31"}, "2020-01-31 is not after train_end 2020-01-31"),
        ({**TIME, "test_end": "2020-01-31"}, "test_end 2020-01-31 is before test_start 2020-02-01"),
        ({"splits": 3}, "splits is not known"),
    ],
)
def test_refusals(values, message):
    with pytest.raises(ResearchError, match=message) as error:
        checked(PreparationSpec, values, "run r")
    assert str(error.value).startswith("run r: ") and len(str(error.value).splitlines()) == 1
