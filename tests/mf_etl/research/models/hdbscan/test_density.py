"""HDBSCAN against its library, and back from arrays."""

from __future__ import annotations

import hdbscan
import numpy as np
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.models.hdbscan.density import (
    fit_hdbscan,
    hdbscan_arrays,
    hdbscan_from_arrays,
    hdbscan_labels,
)
from mf_etl.research.preparation import blocks
from mf_etl.research.preparation.blocks import MatrixRows
from tests.mf_etl.research.clusters import blobs

SIZES = {"min_cluster_size": 60, "min_samples": 8}


@pytest.fixture(scope="module")
def fitted():
    return fit_hdbscan(MatrixRows(blobs(1500, 3, features=6, spread=0.4)[0]), **SIZES)


def test_equals_the_library_and_comes_back_from_arrays(fitted, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 100)
    matrix, _ = blobs(1500, 3, features=6, spread=0.4)
    expected = hdbscan.HDBSCAN(**SIZES, prediction_data=True).fit(matrix.astype(np.float64))
    assert (fitted.labels_ == expected.labels_).all() and fitted.labels_.max() == 2
    assert (fitted.labels_ == -1).any()
    others, _ = blobs(450, 3, features=6, seed=0, spread=0.6)
    labels, strength = hdbscan.approximate_predict(expected, others.astype(np.float64))
    again = hdbscan_from_arrays(hdbscan_arrays(fitted), **SIZES)
    for model, threads in ((fitted, 1), (fitted, 3), (again, 2)):
        found = hdbscan_labels(model, MatrixRows(others), threads)
        assert (found[0] == labels).all() and (labels == -1).any() and (labels == 2).any()
        np.testing.assert_allclose(found[1], strength, rtol=1e-6)


def test_too_few_rows_are_refused():
    with pytest.raises(ResearchError, match="by 60 neighbours in 100 rows to fit on; lower min_s"):
        fit_hdbscan(MatrixRows(blobs(100, 2)[0]), min_cluster_size=60, min_samples=None)


def test_noise_alone_predicts_noise():
    matrix = np.random.default_rng(0).uniform(size=(300, 8)).astype(np.float32)
    model = fit_hdbscan(MatrixRows(matrix), min_cluster_size=140, min_samples=40)
    assert (model.labels_ == -1).all()
    again = hdbscan_from_arrays(hdbscan_arrays(model), min_cluster_size=140, min_samples=40)
    labels, strength = hdbscan_labels(again, MatrixRows(matrix[:10]), 1)
    assert (labels == -1).all() and (strength == 0).all()
