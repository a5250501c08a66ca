"""Metrics against scikit-learn; noise, and where nothing is defined."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)

from mf_etl.research.evaluation import agreement
from mf_etl.research.evaluation.agreement import labels_ari
from mf_etl.research.evaluation.geometry import cluster_metrics, separation
from mf_etl.research.evaluation.silhouette import mean_silhouette
from mf_etl.research.preparation import blocks
from mf_etl.research.preparation.blocks import MatrixRows


@pytest.fixture(autouse=True)
def many_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 700)
    monkeypatch.setattr(blocks, "CHUNK_ROWS", 300)
    monkeypatch.setattr(agreement, "CHUNK_ROWS", 500)


def case(rows: int, clusters: int, noise: float = 0.0):
    random = np.random.default_rng(rows)
    labels = random.integers(0, clusters, rows).astype(np.int16)
    matrix = (random.normal(size=(rows, 12)) + 0.2 * labels[:, None]).astype(np.float32)
    labels[random.random(rows) < noise] = -1
    return matrix, labels


def measured(matrix, labels, chosen=None, **options):
    options = {"silhouette_rows": 10_000, "seed": 0, "threads": 2} | options
    rows = MatrixRows(matrix, chosen)
    return cluster_metrics(rows, labels if chosen is None else labels[chosen], **options)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_equal_scikit_learn(noise):
    matrix, labels = case(5000, 6, noise)
    labels[labels == 3] = 4  # An id without rows.
    chosen = np.random.default_rng(0).random(5000) < 0.7
    found = measured(matrix, labels, chosen)
    inside = chosen & (labels >= 0)
    x, own = matrix[inside].astype(np.float64), labels[inside]
    assert found["silhouette"] == pytest.approx(silhouette_score(x, own), rel=1e-9)
    assert found["davies_bouldin"] == pytest.approx(davies_bouldin_score(x, own), rel=1e-9)
    assert found["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(x, own), rel=1e-9)
    assert found["clusters_found"] == 5 and found["rows"] == chosen.sum()
    assert found["noise_share"] == pytest.approx((labels[chosen] < 0).mean())
    assert found["silhouette_rows"] == inside.sum()


def test_equal_scikit_learn_on_200_000_rows(monkeypatch):
    monkeypatch.undo()
    matrix, labels = case(200_000, 8)
    found, x = separation(MatrixRows(matrix), labels, 2), matrix.astype(np.float64)
    assert found["davies_bouldin"] == pytest.approx(davies_bouldin_score(x, labels), rel=1e-9)
    assert found["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(x, labels), rel=1e-9)
    other = np.where(np.arange(len(labels)) % 3, labels, 0)
    ari = labels_ari(labels, other)
    assert ari == pytest.approx(adjusted_rand_score(labels, other), rel=1e-12)


@pytest.mark.parametrize("sizes", [(1, 300, 199), (64, 64, 257), (2, 1, 1)])
def test_silhouette_of_clusters_of_any_size_at_any_number_of_threads(sizes):
    own = np.random.default_rng(0).permutation(np.repeat(np.arange(3) * 4, sizes))
    x = np.random.default_rng(1).normal(size=(len(own), 5)) + own[:, None] / 4
    found = [mean_silhouette(x, own, threads) for threads in (1, 2, 4)]
    assert found[0] == pytest.approx(silhouette_score(x, own), rel=1e-12)
    assert found[0] == found[1] == found[2]


def test_silhouette_of_equal_rows_is_zero():
    assert mean_silhouette(np.ones((6, 2)), np.array([0, 1] * 3), 1) == 0.0


def test_silhouette_of_a_seeded_sample_is_near_that_of_all():
    matrix, labels = case(4000, 3)
    whole = measured(matrix, labels)["silhouette"]
    some, same, other = (
        measured(matrix, labels, silhouette_rows=1500, seed=s)["silhouette"] for s in (0, 0, 1)
    )
    assert some == same != other
    assert some == pytest.approx(whole, abs=0.02)


@pytest.mark.parametrize("labels", [np.zeros(50), np.full(50, -1), np.arange(50)])
def test_undefined_is_none(labels):
    matrix, _ = case(50, 2)
    found = measured(matrix, labels.astype(np.int16))
    undefined = ("silhouette", "davies_bouldin", "calinski_harabasz")
    assert [found[name] for name in undefined] == [None] * 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0]),
        ([0, 0, 1, 1], [0, 1, 0, 1]),
        ([-1, -1, 2, 2, 2], [0, 0, 0, 1, 1]),
        ([0, 1, 2, 3], [3, 2, 1, 0]),
        ([0, 0, 0], [0, 0, 0]),
        ([0, 0, 0, 0], [0, 1, 2, 3]),
    ],
)
def test_ari_equals_scikit_learn(one, other):
    one, other = (np.array(x, dtype=np.int16) for x in (one, other))
    assert labels_ari(one, other) == pytest.approx(adjusted_rand_score(one, other))


def test_ari_in_chunks_of_random_labels():
    random = np.random.default_rng(0)
    one = random.integers(-1, 5, 2345).astype(np.int16)
    other = np.where(random.random(2345) < 0.5, one, random.integers(-1, 9, 2345)).astype(np.int16)
    expected = adjusted_rand_score(one, other)
    assert labels_ari(one, other) == pytest.approx(expected, rel=1e-12)
