"""hmmlearn's own tests of its Gaussian model, as installed, with our class in its place."""

from __future__ import annotations

import numpy as np
import pytest
from hmmlearn import hmm

from mf_etl.research.models.hmm.model import ShardedGaussianHMM

with np.errstate():  # The import makes NumPy warn of underflow from then on.
    from hmmlearn.tests import test_gaussian_hmm as theirs

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("default::RuntimeWarning")]


@pytest.fixture(autouse=True)
def ours(monkeypatch):
    monkeypatch.setattr(hmm, "GaussianHMM", ShardedGaussianHMM)


class TestDiagonal(theirs.TestGaussianHMMWithDiagonalCovars):
    pass


class TestFull(theirs.TestGaussianHMMWithFullCovars):
    pass


class TestTied(theirs.TestGaussianHMMWithTiedCovars):
    pass


class TestSpherical(theirs.TestGaussianHMMWithSphericalCovars):
    @pytest.mark.parametrize("implementation", ["scaling", "log"])
    def test_underflow_from_scaling(self, implementation):
        """A difference that the class names: scaling does not fail where densities underflow."""
        x = np.random.default_rng(0).normal(np.repeat([0.0, 5.0], 100), 1.0)[:, None]
        x[40] = 1e4
        start = {"startprob_": [0.0, 1.0], "transmat_": [[0.4, 0.6], [0.6, 0.4]]}
        start |= {"means_": [[0.0], [5.0]], "covars_": [[1.0], [1.0]]}
        model = ShardedGaussianHMM(2, "spherical", init_params="", implementation=implementation)
        for name, value in start.items():
            setattr(model, name, np.array(value))
        assert np.isfinite(model.fit(x).score(x))


def test_all_of_their_cases_are_here():
    """A class that a new version brings is not passed over."""
    names = [name for name in vars(theirs) if name.startswith("Test")]
    assert len(names) == 4
