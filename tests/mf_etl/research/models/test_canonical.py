"""Canonical ids by hand."""

from __future__ import annotations

import numpy as np

from mf_etl.research.models.canonical import canonical_order
from mf_etl.research.models.clusters import renamed_labels


def test_ids_ascend_with_mean_flow_and_noise_stays():
    labels = np.array([0, 0, 1, 1, 2, -1, -1], dtype=np.int16)
    flow = np.array([3.0, 5.0, -2.0, np.nan, 0.0, -99.0, -99.0])
    new_ids = canonical_order(labels, flow, 3)
    assert new_ids.tolist() == [2, 0, 1] and new_ids.dtype == np.int16
    assert renamed_labels(labels, new_ids).tolist() == [2, 2, 0, 0, 1, -1, -1]


def test_ties_keep_their_order_and_clusters_without_rows_come_last():
    labels = np.array([1, 2, 4], dtype=np.int16)
    assert canonical_order(labels, np.array([1.0, 1.0, 0.0]), 5).tolist() == [3, 1, 2, 4, 0]


def test_noise_alone():
    labels = np.full(3, -1, dtype=np.int16)
    new_ids = canonical_order(labels, np.zeros(3), 0)
    assert renamed_labels(labels, new_ids).tolist() == [-1, -1, -1]
