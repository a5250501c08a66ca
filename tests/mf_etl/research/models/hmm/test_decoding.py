"""Decoded columns: by hand, causality of what was known on the day, hindsight apart."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.research.models.hmm.decoding import (
    Decoded,
    column_schema,
    decoded,
    decoded_columns,
    known_states,
)
from mf_etl.research.preparation.sequences import Sequences
from tests.mf_etl.research.states import market, random_model


def test_columns_by_hand():
    known = np.tile([0.25, 0.75], (7, 1))
    known[2] = (1.0, 0.0)
    smoothed = np.tile([0.6, 0.4], (7, 1))
    path = np.array([0, 0, 0, 1, 1, 1, 1], dtype=np.int8)
    shard = Sequences.contiguous([4, 3], 7)
    found = decoded_columns(Decoded(shard, known, path, smoothed))
    assert found.schema == pl.Schema(column_schema(2))
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert found["hmm_entropy"].to_list() == pytest.approx(
        [entropy, entropy, 0.0, entropy, entropy, entropy, entropy]
    )
    columns = found.drop("hmm_entropy").to_dict(as_series=False)
    assert columns == {
        "hmm_state": [1, 1, 0, 1, 1, 1, 1],
        "hmm_p_0": [0.25, 0.25, 1.0, 0.25, 0.25, 0.25, 0.25],
        "hmm_p_1": [0.75, 0.75, 0.0, 0.75, 0.75, 0.75, 0.75],
        "hmm_prob_max": [0.75, 0.75, 1.0, 0.75, 0.75, 0.75, 0.75],
        "hmm_changed": [False, False, True, True, False, False, False],
        "hmm_prev": [None, 1, 1, 0, None, 1, 1],
        "hmm_transition_code": [None, 101, 100, 1, None, 101, 101],
        "hmm_run_length": [1, 2, 1, 1, 1, 2, 3],
        "bs_hmm_change": [None, None, 0, 0, None, None, None],
        "hindsight_hmm_state": [0, 0, 0, 1, 1, 1, 1],
        "hindsight_hmm_prob_max": pytest.approx([0.6] * 7),
        "hindsight_hmm_changed": [False, False, False, True, False, False, False],
        "hindsight_hmm_prev": [None, 0, 0, 0, None, 1, 1],
        "hindsight_hmm_transition_code": [None, 0, 0, 1, None, 101, 101],
        "hindsight_hmm_run_length": [1, 2, 3, 1, 1, 2, 3],
        "hindsight_bs_hmm_change": [None, None, None, 0, None, None, None],
    }


@pytest.mark.parametrize("covariance_type", ("diag", "full", "tied", "spherical"))
def test_views_agree_with_the_estimator(covariance_type):
    x, _, sequences = market(1, lengths=(90, 60, 1, 120), spread=1.0)
    model = random_model(0, 3, 3, covariance_type)
    found = decoded(model, x, sequences)
    assert np.array_equal(found.states, model.predict(x, sequences))
    assert np.array_equal(found.smoothed, model.predict_proba(x, sequences))
    last_rows = np.cumsum(sequences.lengths) - 1
    np.testing.assert_allclose(found.filtered[last_rows], found.smoothed[last_rows], atol=1e-12)
    np.testing.assert_allclose(found.filtered.sum(axis=1), 1.0)
    assert np.abs(found.filtered - found.smoothed).max() > 0.1
    assert np.array_equal(known_states(model, x, sequences), found.filtered.argmax(axis=1))


@pytest.mark.parametrize("covariance_type", ("diag", "full"))
def test_plain_columns_do_not_change_when_days_are_added(covariance_type):
    """f(x[:n]) == f(x)[:n] for every column without the prefix, transitions and runs included."""
    x, _, _ = market(2, lengths=(400,), spread=0.7)
    model = random_model(0, 3, 3, covariance_type)

    def columns(rows):
        return decoded_columns(decoded(model, x[:rows], Sequences.contiguous(None, rows)))

    whole = columns(400)
    ahead = [name for name in whole.columns if name.startswith("hindsight_")]
    plain = [name for name in whole.columns if name not in ahead]
    seen_later = 0
    for days in (1, 50, 129, 200, 399):
        part = columns(days)
        exact = [name for name in plain if not whole.schema[name].is_float()]
        assert part.select(exact).equals(whole.head(days).select(exact))
        for name in set(plain) - set(exact):
            np.testing.assert_allclose(part[name], whole[name].head(days), atol=1e-6)
        seen_later += not part.select(ahead).equals(whole.head(days).select(ahead))
    assert seen_later, "a hindsight column rests on later days"
