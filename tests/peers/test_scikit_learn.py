"""scikit-learn's own checks of estimators, as installed, on our mixture."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from mf_etl.research.models.gmm.mixture import BlockedGaussianMixture

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


@parametrize_with_checks([BlockedGaussianMixture()])
def test_mixture(estimator, check):
    check(estimator)
