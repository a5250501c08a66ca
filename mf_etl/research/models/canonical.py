"""Cluster ids that mean the same in every run: ordered by mean flow, supply first."""

from __future__ import annotations

import numpy as np

NOISE = -1
"""Label of a row that is in no cluster."""

ORDER_COLUMN = "delta_flow_20"


def canonical_order(labels: np.ndarray, flow: np.ndarray, clusters: int) -> np.ndarray:
    """The new id of each of `clusters` ids (int16), by ascending mean `flow` of its rows.

    `flow` is the unscaled ``delta_flow_20`` of the rows fitted on, whose `labels` are 0 to
    clusters − 1, or −1 for noise; rows of undefined flow do not count. Clusters of equal mean keep
    their order, and those without a row come last.
    """
    counted = (labels != NOISE) & np.isfinite(flow)
    rows = np.bincount(labels[counted], minlength=clusters)
    sums = np.bincount(labels[counted], weights=flow[counted], minlength=clusters)
    mean = np.full(clusters, np.inf)
    np.divide(sums, rows, out=mean, where=rows > 0)
    new_ids = np.empty(clusters, dtype=np.int16)
    new_ids[np.argsort(mean, kind="stable")] = np.arange(clusters)
    return new_ids
