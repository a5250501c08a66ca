"""The specification: defaults of the contract, and what it refuses."""

from __future__ import annotations

import datetime

import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import FEATURES, HMM_FEATURES, OUTCOMES
from mf_etl.research.datasets.request import checked
from mf_etl.research.preparation.spec import PURGE_BARS, HmmPreparation, PreparationSpec
from mf_etl.research.runs.requests import HmmRun, HmmStability, HmmSweep
from mf_etl.settings.model import Settings


def test_defaults():
    spec = PreparationSpec()
    assert spec.features == FEATURES and spec.clip_zscore == 8
    assert (spec.scaler, spec.scaling_scope, spec.split_mode) == ("standard", "global", "time")
    assert (spec.train_end, spec.train_share, spec.predict_on) == (None, 0.7, "all")
    assert spec.scaling_min_rows == 250
    assert PURGE_BARS == 21


def test_a_hidden_markov_model_has_features_of_its_own_from_both_doors():
    """The settings' entry and the command line's request are the same model with the same defaults."""
    asked = {"hmm": {"n_components": 2}}
    entries = {"runs": {"a": asked}, "sweeps": {"a": {}}, "stability": {"a": asked}}
    named = Settings(research_hmm=entries).research_hmm
    for request in (named.runs["a"], named.sweeps["a"], named.stability["a"]):
        assert (
            request.preparation == HmmPreparation() and request.preparation.features == HMM_FEATURES
        )
    for kind in (HmmRun, HmmSweep, HmmStability):
        some = checked(kind, {"preparation": {"scaler": "robust"}}, "research-hmm")
        assert some.preparation.features == HMM_FEATURES
    assert len(HMM_FEATURES) == 7 and set(HMM_FEATURES) < set(FEATURES)


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
        ({"features": ["delisted"]}, "never features: delisted"),
        ({"split_mode": "none", "train_end": "2020-01-31"}, "need split_mode time"),
        ({"train_share": 1}, "train_share = 1"),
        ({"test_start": "2020-02-01", "test_end": "2020-01-31"}, "is before test_start 2020-02-01"),
        ({**TIME, "test_start": "2020-01-31"}, "2020-01-31 is not after train_end 2020-01-31"),
        ({**TIME, "test_end": "2020-01-31"}, "test_end 2020-01-31 is before test_start 2020-02-01"),
        ({"splits": 3}, "splits is not known"),
    ],
)
def test_refusals(values, message):
    with pytest.raises(ResearchError, match=message) as error:
        checked(PreparationSpec, values, "run r")
    assert str(error.value).startswith("run r: ") and len(str(error.value).splitlines()) == 1
