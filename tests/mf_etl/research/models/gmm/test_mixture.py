"""Gaussian mixtures against scikit-learn from the same start; threads, starts, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.mixture import GaussianMixture

from mf_etl.errors import ResearchError
from mf_etl.research.evaluation.agreement import labels_ari
from mf_etl.research.models.gmm.mixture import BlockedGaussianMixture
from mf_etl.research.preparation import blocks
from mf_etl.research.preparation.blocks import MatrixRows
from tests.mf_etl.research.clusters import blobs

PARAMETERS = ("weights_", "means_", "covariances_", "precisions_cholesky_", "precisions_")


def start(matrix: np.ndarray, components: int, covariance_type: str) -> dict[str, np.ndarray]:
    """Some rows as means, with even weights and the covariance of all rows."""
    variance = matrix.var(axis=0, dtype=np.float64)
    precisions = {
        "full": np.tile(np.diag(1 / variance), (components, 1, 1)),
        "tied": np.diag(1 / variance),
        "diag": np.tile(1 / variance, (components, 1)),
        "spherical": np.full(components, 1 / variance.mean()),
    }[covariance_type]
    return {
        "weights_init": np.full(components, 1 / components),
        "means_init": matrix[:components].astype(np.float64),
        "precisions_init": precisions,
    }


@pytest.mark.parametrize(
    ("covariance_type", "rows", "iterations"),
    [
        ("diag", 50_000, 8),
        ("full", 20_000, 4),
        ("tied", 5000, 8),
        ("spherical", 5000, 8),
        pytest.param("diag", 200_000, 8, marks=pytest.mark.breadth),
        pytest.param("full", 200_000, 4, marks=pytest.mark.breadth),
    ],
)
def test_equals_scikit_learn(covariance_type, rows, iterations):
    matrix, _ = blobs(rows, 4)
    wide = matrix.astype(np.float64)
    options = {
        "covariance_type": covariance_type,
        "max_iter": iterations,
        "tol": 0.0,
        **start(matrix, 4, covariance_type),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = GaussianMixture(4, **options).fit(wide)
    found = BlockedGaussianMixture(4, **options, threads=2, accelerate=False).fit(matrix)
    for name in PARAMETERS:
        wanted, given = getattr(expected, name), getattr(found, name)
        assert np.abs(given - wanted).max() <= 1e-9 * max(1, np.abs(wanted).max()), name
    np.testing.assert_allclose(found.lower_bounds_, expected.lower_bounds_, rtol=0, atol=1e-9)
    labels, probability, log_likelihood = found.posterior(MatrixRows(matrix))
    posterior = expected.predict_proba(wide)
    assert labels_ari(labels, posterior.argmax(axis=1)) == 1
    np.testing.assert_allclose(probability, posterior.max(axis=1), rtol=0, atol=1e-6)
    criteria = found.criteria(rows, log_likelihood)
    assert criteria["bic"] == pytest.approx(expected.bic(wide), rel=1e-9)
    assert criteria["aic"] == pytest.approx(expected.aic(wide), rel=1e-9)


@pytest.mark.parametrize("covariance_type", ["diag", "full", "tied", "spherical"])
def test_accelerated_fits_rise_at_every_step_and_get_there_sooner(covariance_type):
    matrix, _ = blobs(4000, 4, features=4, spread=1.2)
    begin = start(matrix, 4, covariance_type)
    plain, fast = (
        BlockedGaussianMixture(4, covariance_type=covariance_type, accelerate=a, **begin).fit(
            matrix
        )
        for a in (False, True)
    )
    assert plain.converged_ and fast.converged_
    assert np.diff(fast.lower_bounds_).min() > -1e-9
    assert fast.n_iter_ < 0.7 * plain.n_iter_
    assert fast.lower_bound_ > plain.lower_bound_ - 1e-3


@pytest.mark.parametrize("covariance_type", ["diag", "full", "tied", "spherical"])
def test_same_bits_at_any_number_of_threads(monkeypatch, covariance_type):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 1000)
    monkeypatch.setattr(blocks, "CHUNK_ROWS", 300)
    matrix, _ = blobs(9500, 3)
    one, four = (
        BlockedGaussianMixture(3, covariance_type=covariance_type, n_init=2, threads=t).fit(matrix)
        for t in (1, 4)
    )
    for name in PARAMETERS:
        assert getattr(one, name).tobytes() == getattr(four, name).tobytes(), name


@pytest.mark.parametrize("covariance_type", ["diag", "full", "tied", "spherical"])
def test_finds_clusters_from_its_own_start(covariance_type):
    matrix, own = blobs(6000, 3, spread=0.5)
    found = BlockedGaussianMixture(3, covariance_type=covariance_type)
    labels = found.fit_predict(matrix)
    assert found.converged_ and found.n_iter_ >= len(found.lower_bounds_) > 1
    assert labels_ari(labels, own) > 0.99


def test_says_when_it_has_not_converged():
    matrix, _ = blobs(2000, 3)
    found = BlockedGaussianMixture(5, max_iter=2, tol=1e-12).fit(matrix)
    assert not found.converged_ and found.n_iter_ == 2


def test_the_best_of_the_starts_is_kept():
    matrix, _ = blobs(1500, 8, features=3, spread=0.4)
    bounds = [BlockedGaussianMixture(8, n_init=n).fit(matrix).lower_bound_ for n in range(1, 7)]
    assert bounds == sorted(bounds) and bounds[0] < bounds[-1]


def test_a_constant_feature_has_the_variance_that_is_added():
    matrix, _ = blobs(2000, 2)
    matrix[:, 3] = 0
    found = BlockedGaussianMixture(2, covariance_type="full", reg_covar=1e-4).fit(matrix)
    np.testing.assert_allclose(found.covariances_[:, 3, 3], 1e-4, rtol=1e-9)


def test_keeps_the_interface_of_an_estimator():
    matrix, _ = blobs(1000, 2)
    found = clone(BlockedGaussianMixture(2, threads=2, reg_covar=1e-3)).fit(matrix)
    assert found.get_params()["threads"] == 2 and found.reg_covar == 1e-3
    wide = matrix.astype(np.float64)
    assert (found.predict(wide) == found.fit_predict(matrix)).all()
    assert found.score(wide) == pytest.approx(found.posterior(MatrixRows(matrix))[2], rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance_type": "full", "reg_covar": 0.0}, "ill-defined empirical covariance.*reg_"),
        ({"n_components": 601}, "601 clusters of 600 rows"),
    ],
)
def test_refusals(options, message):
    matrix, _ = blobs(600, 2)
    matrix[:, 0] = 0
    with pytest.raises(ResearchError, match=message) as error:
        BlockedGaussianMixture(**({"n_components": 2} | options)).fit(matrix)
    assert len(str(error.value).splitlines()) == 1
