"""Decoded rows: columns by hand, three views, causality, bytes at any number of threads."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.labels.decoding import (
    HMM_COLUMNS,
    Decoded,
    decode_shards,
    decoded_columns,
    write_decoded,
)
from mf_etl.research.preparation import sequences as sequences_module
from mf_etl.research.preparation.prepared_sequences import open_prepared
from mf_etl.research.preparation.sequences import Sequences
from tests.mf_etl.research.states import (
    FEATURES,
    OPTIONS,
    listing,
    market,
    prepared_folder,
    random_model,
)


def test_columns_by_hand():
    states = np.array([1, 1, 0, 1, 1, 1, 0], dtype=np.int8)
    smoothed = np.tile([0.25, 0.75], (7, 1))
    smoothed[2] = (1.0, 0.0)
    filtered = np.tile([0.6, 0.4], (7, 1))
    shard = Sequences.contiguous([4, 3], 7)
    found = decoded_columns(Decoded(shard, states, smoothed, filtered))
    assert found.schema == pl.Schema(HMM_COLUMNS)
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert found["hmm_state_entropy"].to_list() == pytest.approx(
        [entropy, entropy, 0.0, entropy, entropy, entropy, entropy]
    )
    columns = found.drop("hmm_state_entropy").to_dict(as_series=False)
    assert columns == {
        "hmm_sequence": [0, 0, 0, 0, 1, 1, 1],
        "hmm_state": [1, 1, 0, 1, 1, 1, 0],
        "hmm_state_prob_max": [0.75, 0.75, 1.0, 0.75, 0.75, 0.75, 0.75],
        "hmm_state_filtered": [0] * 7,
        "hmm_filtered_prob_max": pytest.approx([0.6] * 7),
        "hmm_state_changed": [False, False, True, True, False, False, True],
        "hmm_state_prev": [None, 1, 1, 0, None, 1, 1],
        "hmm_transition_code": [None, 101, 100, 1, None, 101, 100],
        "hmm_state_run_length": [1, 2, 1, 1, 1, 2, 1],
        "bs_hmm_state_change": [None, None, 0, 0, None, None, 0],
    }


@pytest.mark.parametrize("covariance_type", ("diag", "full", "tied", "spherical"))
def test_views_agree_with_the_estimator(covariance_type, monkeypatch):
    monkeypatch.setattr(sequences_module, "SHARD_ROWS", 100)
    x, _, sequences = market(1, lengths=(90, 60, 1, 120), spread=1.0)
    model = random_model(0, 3, 3, covariance_type)
    parts = list(decode_shards(model, x, sequences))
    assert len(parts) == 2
    states, smoothed, filtered = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
    assert np.array_equal(states, model.predict(x, sequences))
    assert np.array_equal(smoothed, model.predict_proba(x, sequences))
    last_rows = np.cumsum(sequences.lengths) - 1
    np.testing.assert_allclose(filtered[last_rows], smoothed[last_rows], atol=1e-12)
    np.testing.assert_allclose(filtered.sum(axis=1), 1.0)
    assert np.abs(filtered - smoothed).max() > 0.1


@pytest.mark.parametrize("covariance_type", ("diag", "full"))
def test_filtered_states_do_not_change_when_days_are_added(covariance_type):
    x, _, _ = market(2, lengths=(400,), spread=0.7)
    model = random_model(0, 3, 3, covariance_type)

    def views(rows):
        (found,) = decode_shards(model, x[:rows], Sequences.contiguous(None, rows))
        return found

    whole = views(400)
    for days in (1, 50, 129, 399):
        part = views(days)
        assert part.filtered.tobytes() == whole.filtered[:days].tobytes()
    # The other two views look ahead: yesterday's state depends on today.
    assert any((views(n).states != whole.states[:n]).any() for n in range(100, 400, 20))


@pytest.fixture
def folder(tmp_path):
    x = market(3, lengths=(900,)).x
    return prepared_folder(
        tmp_path / "prepared",
        listing("A", x[:200], days=[*range(120), *range(200, 280)]),
        listing("A", x[200:300], exchange="NASDAQ", days=range(50, 150)),
        listing("B", x[300:700], fit=False),
        listing("C", x[700:705]),
        listing("D", x[705:900], predict=pl.Series([False] * 95 + [True] * 100)),
    )


def written(folder, model, path):
    prepared = open_prepared(folder)
    cut = prepared.predict_sequences(max_gap_days=30, min_length=10)
    rows = write_decoded(
        model, prepared.matrix, cut.sequences, prepared.rows, folder / path, OPTIONS
    )
    assert rows == cut.summary["rows"]
    return prepared, cut, pl.read_parquet(folder / path)


def test_file_has_every_sequence_beside_its_own_rows(folder, monkeypatch):
    monkeypatch.setattr(sequences_module, "SHARD_ROWS", 150)
    model = random_model(0, 3, 3)
    prepared, cut, decoded = written(folder, model, "decoded.parquet")
    assert cut.summary["sequences"] == 5 and cut.summary["dropped_sequences"] == 1
    assert decoded.select(pl.all().null_count())["close"].item() == 0
    assert decoded.columns[-len(HMM_COLUMNS) :] == list(HMM_COLUMNS)
    assert decoded["hmm_sequence"].rle_id().equals(decoded["hmm_sequence"].cast(pl.UInt32))
    rows = pl.read_parquet(folder / "rows.parquet").with_columns(
        pl.Series("state", np.zeros(len(prepared.matrix), dtype=np.int64))
    )
    listings = decoded.partition_by("ticker", "exchange", maintain_order=True, as_dict=True)
    assert list(listings) == [("A", "NASDAQ"), ("A", "NYSE"), ("B", "NYSE"), ("D", "NYSE")]
    for (ticker, exchange), part in listings.items():
        own = rows.filter(pl.col("is_predict"), ticker=ticker, exchange=exchange)
        names = [name for name in own.columns if name in part.columns]
        assert part.select(names).equals(own.select(names))
        for sequence in part.partition_by("hmm_sequence"):
            x = sequence.select(FEATURES).to_numpy()
            led_in = ticker == "D"  # Its first 95 rows are known, not asked for.
            before = rows.filter(~pl.col("is_predict"), ticker=ticker).select(FEATURES).to_numpy()
            x = np.concatenate([before, x]) if led_in else x
            assert sequence["hmm_state"].to_list() == model.predict(x)[-sequence.height :].tolist()
            assert sequence["hmm_state_prev"].null_count() == (not led_in)


def test_same_bytes_at_any_number_of_threads(folder, monkeypatch):
    monkeypatch.setattr(sequences_module, "SHARD_ROWS", 150)
    for threads in (1, 2, 4):
        written(folder, random_model(0, 3, 3, n_jobs=threads), f"{threads}.parquet")
    one, two, four = ((folder / f"{n}.parquet").read_bytes() for n in (1, 2, 4))
    assert one == two == four


def test_a_matrix_of_other_features_is_refused(folder):
    with pytest.raises(ResearchError, match="the model has 2 features, the matrix 3"):
        written(folder, random_model(0, 3, 2), "decoded.parquet")
