"""Agreement of labellings against scikit-learn; labels of two fits matched."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from mf_etl.errors import ResearchError
from mf_etl.research.evaluation import agreement
from mf_etl.research.evaluation.agreement import (
    adjusted_rand_index,
    contingency,
    crosstab,
    matched,
    normalized_mutual_information,
    pairwise_ari,
)

STATES = [0, 0, 1, 1, 1, 0, 2, 2, 0, 0]


@pytest.mark.parametrize("joined_rows", (1, 7, 1000))
def test_crosstab_of_two_runs(joined_rows, monkeypatch):
    monkeypatch.setattr(agreement, "JOINED_ROWS", joined_rows)
    ids = [0, 0, 1, 1, 0, 0, -1, -1, 0]
    rows = pl.DataFrame(
        {"ticker": [*"AAAAAABBBB"], "trade_date": [*range(6), *range(4)], "hmm_state": STATES}
    )
    clusters = rows[:9].select("ticker", "trade_date", cluster_id=pl.Series(ids))
    table, metrics = crosstab(rows.lazy(), clusters.lazy(), "hmm_state")
    assert table["rows"].sum() == metrics["rows"] == 9
    assert metrics["ari"] == pytest.approx(adjusted_rand_score(STATES[:9], ids))
    assert metrics["nmi"] == pytest.approx(normalized_mutual_info_score(STATES[:9], ids))
    other = clusters.with_columns(ticker=pl.lit("Z"))
    with pytest.raises(ResearchError, match="no row of this HMM run"):
        crosstab(rows.lazy(), other.lazy(), "hmm_state")


@pytest.mark.parametrize("seed", range(4))
def test_agreement_equals_scikit_learn(seed):
    random = np.random.default_rng(seed)
    first = random.integers(0, 4, 200)
    second = np.where(random.random(200) < seed / 4, first, random.integers(0, 5, 200))
    table = contingency(first, second)
    assert adjusted_rand_index(table) == pytest.approx(adjusted_rand_score(first, second))
    assert normalized_mutual_information(table) == pytest.approx(
        normalized_mutual_info_score(first, second)
    )
    ari = pairwise_ari([first, second, first])
    assert ari[0, 2] == 1.0 and ari[0, 1] == pytest.approx(adjusted_rand_score(first, second))


def test_agreement_of_single_groups():
    one = contingency(np.zeros(5, dtype=int), np.zeros(5, dtype=int))
    assert adjusted_rand_index(one) == normalized_mutual_information(one) == 1.0
    apart = contingency(np.zeros(5, dtype=int), np.arange(5))
    assert adjusted_rand_index(apart) == normalized_mutual_information(apart) == 0.0


def test_clear_orders_are_matched_as_they_are():
    values = np.array([-1.0, 0.0, 1.0])
    means = np.random.default_rng(0).normal(size=(3, 2))
    found = matched((values, means), (values, means[::-1]))
    assert (found.labels.tolist(), found.method) == ([0, 1, 2], "canonical order")


@pytest.mark.parametrize("values", ([-1.0, -0.99, 1.0], [-1.0, 1.0, np.nan], [2.0] * 3))
def test_near_ties_are_matched_by_their_means(values):
    means = np.array([[0.0, 0.0], [0.0, 9.0], [5.0, 5.0]])
    clear = np.array([-1.0, 0.0, 1.0])
    swapped = means[[1, 0, 2]] + 0.1
    found = matched((clear, means), (np.array(values), swapped))
    assert (found.labels.tolist(), found.method) == ([1, 0, 2], "hungarian")
