"""K-means against scikit-learn from the same start; threads, empty clusters, starts, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

from mf_etl.errors import ResearchError
from mf_etl.research.evaluation.agreement import labels_ari
from mf_etl.research.models.kmeans import lloyd as lloyd_module
from mf_etl.research.models.kmeans.lloyd import fit_kmeans, kmeans_labels, kmeans_starts, lloyd
from mf_etl.research.preparation import blocks
from mf_etl.research.preparation.blocks import MatrixRows, mean_and_variance
from tests.mf_etl.research.clusters import blobs


def reference(matrix: np.ndarray, start: np.ndarray, max_iter: int = 300) -> KMeans:
    model = KMeans(len(start), init=start, n_init=1, max_iter=max_iter, algorithm="lloyd")
    return model.fit(matrix.astype(np.float64))


def ours(matrix: np.ndarray, start: np.ndarray, threads: int = 1, max_iter: int = 300):
    rows = MatrixRows(matrix)
    tolerance = 1e-4 * mean_and_variance(rows, 1)[1].mean()
    return lloyd(rows, start, max_iter=max_iter, tolerance=tolerance, threads=threads)


@pytest.mark.parametrize("max_iter", [3, 300])
def test_equals_scikit_learn(max_iter):
    matrix, _ = blobs(200_000, 7)
    start = matrix[:7].astype(np.float64)
    expected = reference(matrix, start, max_iter)
    fit = ours(matrix, start, threads=2, max_iter=max_iter)
    labels = kmeans_labels(MatrixRows(matrix), fit.centres, 2)
    assert fit.iterations == expected.n_iter_ and fit.converged == (max_iter == 300)
    assert labels_ari(labels, expected.labels_) == 1
    np.testing.assert_allclose(fit.centres, expected.cluster_centers_, rtol=0, atol=1e-9)
    assert fit.inertia == pytest.approx(expected.inertia_, rel=1e-9)


def test_a_cluster_without_rows_moves_as_in_scikit_learn():
    matrix, _ = blobs(5000, 4, features=5)
    start = np.vstack([matrix[:3], np.full((1, 5), 1e3)]).astype(np.float64)
    expected, fit = reference(matrix, start), ours(matrix, start)
    np.testing.assert_allclose(fit.centres, expected.cluster_centers_, rtol=0, atol=1e-9)
    assert np.bincount(kmeans_labels(MatrixRows(matrix), fit.centres, 1)).min() > 0


def test_same_bits_at_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 1000)
    rows = MatrixRows(blobs(20_500, 6)[0])
    one, four = (fit_kmeans(rows, 6, seed=3, n_init=3, threads=t) for t in (1, 4))
    assert one.centres.tobytes() == four.centres.tobytes() and one.inertia == four.inertia


def test_rows_that_are_not_chosen_bear_on_nothing(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 700)
    matrix, _ = blobs(6000, 4)
    chosen = np.random.default_rng(1).random(6000) < 0.4
    part = fit_kmeans(MatrixRows(matrix, chosen), 4, seed=0, n_init=2)
    alone = fit_kmeans(MatrixRows(matrix[chosen]), 4, seed=0, n_init=2)
    assert part.centres.tobytes() == alone.centres.tobytes()


def test_the_best_of_the_starts_is_kept():
    rows = MatrixRows(blobs(3000, 9, features=3, spread=0.3)[0])
    tolerance = 1e-4 * mean_and_variance(rows, 1)[1].mean()
    starts = kmeans_starts(rows, 9, 0, 8)
    each = [lloyd(rows, s, max_iter=300, tolerance=tolerance, threads=1).inertia for s in starts]
    assert fit_kmeans(rows, 9, seed=0, n_init=8).inertia == min(each) < max(each)
    assert not np.array_equal(starts[0], kmeans_starts(rows, 9, 1, 1)[0])


def test_starts_race_on_a_sample_and_the_best_go_on_with_all_rows(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 1000)
    rows = MatrixRows(blobs(12_000, 9, features=3, spread=0.3)[0])
    whole = fit_kmeans(rows, 9, seed=0, n_init=8)
    monkeypatch.setattr(lloyd_module, "START_ROWS", 3000)
    with_all_rows = []

    def noted(of, start, **options):
        fit = lloyd(of, start, **options)
        with_all_rows.extend([fit] * (of.rows == rows.rows))
        return fit

    monkeypatch.setattr(lloyd_module, "lloyd", noted)
    one, four = (fit_kmeans(rows, 9, seed=0, n_init=8, threads=t) for t in (1, 4))
    assert one.centres.tobytes() == four.centres.tobytes()
    assert len(with_all_rows) == 2 * lloyd_module.FINALISTS
    assert one.inertia == min(fit.inertia for fit in with_all_rows)
    assert one.inertia == pytest.approx(whole.inertia, rel=1e-4)


def test_more_clusters_than_distinct_rows_finds_fewer():
    matrix = np.repeat(np.eye(3, dtype=np.float32), 10, axis=0)
    fit = fit_kmeans(MatrixRows(matrix), 5, seed=0, n_init=2)
    assert fit.inertia == 0 and np.isfinite(fit.centres).all()
    assert len(np.unique(kmeans_labels(MatrixRows(matrix), fit.centres, 1))) == 3


def test_fewer_rows_than_clusters_is_refused():
    with pytest.raises(ResearchError, match="9 clusters of 8 rows to fit on cannot be found"):
        fit_kmeans(MatrixRows(blobs(8, 2)[0]), 9, seed=0)
