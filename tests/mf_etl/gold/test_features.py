"""Gold features against a plain-Python reading and hand-made cases."""

from __future__ import annotations

import polars as pl
import pytest

from mf_etl.gold.features import Weights, feature_series
from mf_etl.schemas.gold_features import GOLD_FEATURES
from tests import oracle
from tests.compare import assert_columns
from tests.conftest import simulated_bars
from tests.mf_etl.gold.test_events import events, indicators, path


def features(frame: pl.DataFrame, weights: Weights | None = None) -> pl.DataFrame:
    return feature_series(frame, weights=weights or Weights(), eps=1e-12, run_id="d" * 12)


@pytest.mark.parametrize("seed", range(4))
def test_every_column_equals_the_plain_reading(seed):
    frame = events(indicators(simulated_bars(400, seed)))
    assert_columns(features(frame), oracle.features(frame.to_dict(as_series=False)))


def test_real_bars(sample_bars):
    frame = events(indicators(sample_bars))
    assert_columns(features(frame), oracle.features(frame.to_dict(as_series=False)))


def test_hand_computed_flow():
    """A cross (1), then a hold (1.5) after five bars above zero, against one cross down before."""
    got = features(events(path(0.1, -0.1, 0.1, 0.1, 0.1, 0.1, 0.1)))
    last = got.row(-1, named=True)
    assert last["long_flow_score_20"] == 2.5 and last["short_flow_score_20"] == 1.0
    assert last["delta_flow_20"] == 1.5 and last["flow_activity_20"] == 3.5
    assert last["flow_bias_20"] == pytest.approx(1.5 / 3.5)
    assert last["long_flow_score_5"] == 2.5 and last["delta_flow_5"] == 2.5
    assert last["persistence_pos_20"] == pytest.approx(1 / 20)
    assert last["oscillation_index_20"] == 2


def test_weights_are_used():
    frame = events(path(0.1, -0.1, 0.1))
    got = features(frame, Weights(zero=3.0))
    assert got["long_flow_score_20"][-1] == 3.0


def test_no_flow_is_no_bias():
    got = features(events(path(0.0, 0.0)))
    assert got["flow_bias_20"].to_list() == [0.0] * 22


def test_recency_is_1_where_it_never_happened_and_null_before_tmf_is_ready():
    got = features(events(indicators(simulated_bars(40)).with_columns(tmf_zero_cross_up=False)))
    assert got["rec_tmf_zero_up_20"].to_list() == [None] * 20 + [1.0] * 20


def test_state_path():
    got = features(events(path(-0.1, 0.1, 0.1, 0.1, 0.1, 0.1, -0.1)))
    tail = got.tail(7)
    assert tail["flow_state_code"].to_list() == [0, 1, 1, 1, 1, 2, 3]
    assert tail["state_transition_code"].to_list() == [0, 1, 11, 11, 11, 12, 23]
    assert tail["state_run_length"].to_list() == [21, 1, 2, 3, 4, 1, 1]
    assert tail["bs_state_change"].to_list() == [None, 0, 1, 2, 3, 0, 0]
    assert got["state_prev"][0] is None and got["state_transition_code"][0] is None
    assert got["state_changed"][0] is False


@pytest.mark.parametrize("rows", [0, 1, 2, 21, 22])
def test_short_histories(rows):
    GOLD_FEATURES.check(features(events(indicators(simulated_bars(rows)))))
