"""HDBSCAN on a sample of tickers, and its approximate prediction of all other rows.

Exploratory: results differ between libraries and most rows of a market are noise to it. A fit is on
one thread, so it is the same at any core count. Prediction looks up the densest way from a new row into
the tree of the fitted ones, about a third of a millisecond a row.
"""

from __future__ import annotations

import hdbscan
import numpy as np

from mf_etl.errors import ResearchError
from mf_etl.research.library_threads import one_library_thread
from mf_etl.research.models.canonical import NOISE
from mf_etl.research.preparation.blocks import MatrixRows


def fit_hdbscan(
    rows: MatrixRows, *, min_cluster_size: int, min_samples: int | None
) -> hdbscan.HDBSCAN:
    """Clusters by density (Campello, Moulavi and Sander 2013), ready to predict with.

    Raises `ResearchError` for fewer rows than the neighbours that density is measured by.
    """
    neighbours = min_samples or min_cluster_size
    if rows.rows <= max(min_cluster_size, 2 * neighbours):
        raise ResearchError(
            f"hdbscan cannot measure density by {neighbours} neighbours in {rows.rows} rows to fit "
            "on; lower min_samples or min_cluster_size, or give it more rows"
        )
    model = hdbscan.HDBSCAN(
        min_cluster_size=min_cluster_size, min_samples=min_samples, core_dist_n_jobs=1
    )
    with one_library_thread():
        model.fit(rows.take(np.arange(rows.rows)))
        model.generate_prediction_data()
    return model


def hdbscan_labels(
    model: hdbscan.HDBSCAN, rows: MatrixRows, threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cluster (int16, −1 is noise) and strength in 0..1 (float32) of rows not fitted on."""
    labels = np.full(rows.rows, NOISE, dtype=np.int16)
    strength = np.zeros(rows.rows, dtype=np.float32)
    if model.labels_.max() == NOISE:
        return labels, strength

    def one(number: int) -> None:
        found = hdbscan.approximate_predict(model, rows.block(number).astype(np.float64))
        labels[rows.span(number)], strength[rows.span(number)] = found

    for _ in rows.each(one, threads):
        pass
    return labels, strength


def hdbscan_arrays(model: hdbscan.HDBSCAN) -> dict[str, np.ndarray]:
    """What `hdbscan_from_arrays` needs: the rows fitted on, their labels, and the condensed tree."""
    tree = model.condensed_tree_.to_numpy()
    return {
        "fit_rows": model._raw_data.astype(np.float32),
        "fit_labels": model.labels_.astype(np.int16),
        **{f"tree_{name}": np.ascontiguousarray(tree[name]) for name in tree.dtype.names},
    }


def hdbscan_from_arrays(
    arrays: dict[str, np.ndarray], *, min_cluster_size: int, min_samples: int | None
) -> hdbscan.HDBSCAN:
    """The model again: the search tree over the rows is built anew, which gives the same one."""
    columns = {
        name.removeprefix("tree_"): values
        for name, values in arrays.items()
        if name.startswith("tree_")
    }
    tree = np.empty(
        len(columns["parent"]), dtype=[(name, values.dtype) for name, values in columns.items()]
    )
    for name, values in columns.items():
        tree[name] = values
    model = hdbscan.HDBSCAN(
        min_cluster_size=min_cluster_size, min_samples=min_samples, core_dist_n_jobs=1
    )
    model._raw_data = arrays["fit_rows"].astype(np.float64)
    model.labels_ = arrays["fit_labels"].astype(np.int64)
    model._condensed_tree = tree
    model.generate_prediction_data()
    return model
