"""Tables about states, on decoded rows small enough to check by hand."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from mf_etl.errors import ResearchError
from mf_etl.research.evaluation import comparisons
from mf_etl.research.evaluation.comparisons import (
    cluster_comparison,
    crosstab,
    pairwise_ari,
    robustness_summary,
    seed_table,
    stability_summary,
)
from mf_etl.research.evaluation.contingency import (
    adjusted_rand_index,
    contingency,
    normalized_mutual_information,
)
from mf_etl.research.evaluation.state_profiles import (
    dwell_stats,
    finished_runs,
    initial_state_distribution,
    outcome_summary,
    square_table,
    state_confidence,
    state_frequency,
    state_profile,
    transition_counts,
)
from mf_etl.research.labels.decoding import Decoded, decoded_columns
from mf_etl.research.preparation.sequences import Sequences

STATES = [0, 0, 1, 1, 1, 0, 2, 2, 0, 0]
FILTERED = [0, 0, 0, 1, 1, 1, 0, 2, 2, 0]
OUTCOME = [0.1, -0.1, 0.2, None, 0.4, 0.0, -0.5, -0.3, 0.3, None]


@pytest.fixture
def decoded():
    """Two sequences of 6 and 4 rows."""
    certain = np.eye(3)[STATES] * 0.7 + 0.1
    hmm = decoded_columns(
        Decoded(
            Sequences.contiguous([6, 4], 10),
            np.array(STATES, dtype=np.int8),
            certain,
            np.eye(3)[FILTERED],
        )
    )
    days = [datetime.date(2024, 1, d) for d in (1, 2, 3, 4, 5, 6, 1, 2, 3, 4)]
    rows = pl.DataFrame(
        {
            "ticker": ["A"] * 6 + ["B"] * 4,
            "exchange": "NYSE",
            "trade_date": days,
            "period": ["train"] * 4 + ["test"] * 2 + ["train"] * 4,
            "outcome_purged": [False] * 8 + [True, False],
            "flow_state_code": pl.Series([1, 1, 2, 2, 2, 1, 3, 3, 1, None], dtype=pl.Int8),
            "delta_flow_20": np.arange(10.0),
            "fwd_ret_10": OUTCOME,
        }
    )
    return rows.hstack(hmm).lazy()


def test_profile_of_both_views(decoded):
    profile = state_profile(decoded, 4)
    assert profile["view"].to_list() == ["viterbi"] * 4 + ["filtered"] * 4
    assert profile["hmm_state"].to_list() == [0, 1, 2, 3] * 2
    assert profile["rows"].to_list() == [5, 3, 2, 0, 5, 3, 2, 0]
    assert profile["share"].to_list() == [0.5, 0.3, 0.2, 0.0] * 2
    assert profile["tickers"].to_list() == [2, 1, 1, 0, 2, 1, 1, 0]
    first = profile.row(0, named=True)
    assert (first["first_day"], first["last_day"]) == (
        datetime.date(2024, 1, 1),
        datetime.date(2024, 1, 6),
    )
    assert first["delta_flow_20_mean"] == np.mean([0, 1, 5, 8, 9])
    assert first["delta_flow_20_std"] == np.std([0, 1, 5, 8, 9])
    # The row of outcome 0.3 is purged, and one has none.
    assert first["fwd_ret_10_n"] == 3 and first["fwd_ret_10_hit_rate"] == pytest.approx(1 / 3)
    assert first["fwd_ret_10_mean"] == pytest.approx(0.0)
    filtered = profile.row(4, named=True)
    assert filtered["fwd_ret_10_mean"] == pytest.approx(np.mean([0.1, -0.1, 0.2, -0.5]))
    empty = profile.row(3, named=True)
    assert (empty["fwd_ret_10_n"], empty["fwd_ret_10_mean"], empty["first_day"]) == (0, None, None)
    assert profile.schema == state_profile(decoded.filter(pl.lit(False)), 4).schema


def test_profile_of_one_period(decoded):
    profile = state_profile(decoded, 3, periods=("test",))
    assert profile["rows"].to_list() == [1, 1, 0, 0, 2, 0]


def test_outcomes_over_finite_values():
    told = outcome_summary(np.array([3.0, np.nan, -1.0, np.inf, 0.0, 2.0]))
    assert told == {
        "n": 4,
        "mean": 1.0,
        "median": 1.0,
        "std": pytest.approx(np.sqrt(2.5)),
        "p10": pytest.approx(-0.7),
        "p90": pytest.approx(2.7),
        "hit_rate": 0.5,
    }
    assert outcome_summary(np.array([np.nan])) == {"n": 0, **dict.fromkeys(list(told)[1:])}


def test_transitions_stay_within_sequences(decoded):
    counts = transition_counts(decoded, 3)
    assert counts.tolist() == [[2, 1, 0], [1, 2, 0], [1, 0, 1]]
    table = square_table(counts)
    assert table.columns == ["from_state", "to_0", "to_1", "to_2"]
    assert table.row(1) == (1, 1, 2, 0)


def test_last_runs_are_cut_off(decoded):
    dwell = dwell_stats(decoded, 4)
    assert dwell["count"].to_list() == [1, 1, 1, 0]
    assert dwell["mean"].to_list() == [2.0, 3.0, 2.0, None]
    assert dwell["max"].to_list() == [2, 3, 2, None]
    assert dwell["cut_off"].to_list() == [2, 0, 0, 0]
    runs = finished_runs(decoded)
    assert sorted(runs.rows()) == [(0, 2), (1, 3), (2, 2)]


def test_frequency_start_and_confidence(decoded):
    frequency = state_frequency(decoded, 3)
    assert frequency["rows_viterbi"].to_list() == [5, 3, 2] == frequency["rows_filtered"].to_list()
    start = initial_state_distribution(decoded, np.array([0.5, 0.1, 0.4]))
    assert start["sequences"].to_list() == [1, 0, 1]
    assert start["share"].to_list() == [0.5, 0.0, 0.5]
    confidence = state_confidence(decoded, 4)
    assert confidence["same_in_both_views"].to_list() == pytest.approx([0.6, 2 / 3, 0.5, None])
    assert confidence["hmm_state_prob_max_mean"].to_list() == pytest.approx([0.8, 0.8, 0.8, None])


def test_crosstab_counts_rows_and_shares(decoded):
    table = crosstab(decoded, "flow_state_code")
    assert table.select("hmm_state", "flow_state_code", "rows").rows() == [
        (0, 1, 4),
        (1, 2, 3),
        (2, 3, 2),
    ]
    assert table["share_of_state"].to_list() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("joined_rows", (1, 7, 1000))
def test_cluster_comparison(decoded, joined_rows, monkeypatch):
    monkeypatch.setattr(comparisons, "JOINED_ROWS", joined_rows)
    ids = [0, 0, 1, 1, 0, 0, -1, -1, 0]
    rows = decoded.collect()
    clusters = rows[:9].select("ticker", "trade_date", cluster_id=pl.Series(ids))
    table, metrics = cluster_comparison(decoded, clusters.lazy())
    assert table["rows"].sum() == metrics["rows"] == 9
    assert metrics["ari"] == pytest.approx(adjusted_rand_score(STATES[:9], ids))
    assert metrics["nmi"] == pytest.approx(normalized_mutual_info_score(STATES[:9], ids))
    other = clusters.with_columns(ticker=pl.lit("Z"))
    with pytest.raises(ResearchError, match="no row of this HMM run"):
        cluster_comparison(decoded, other.lazy())


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


def test_agreement_of_single_groups():
    one = contingency(np.zeros(5, dtype=int), np.zeros(5, dtype=int))
    assert adjusted_rand_index(one) == normalized_mutual_information(one) == 1.0
    apart = contingency(np.zeros(5, dtype=int), np.arange(5))
    assert adjusted_rand_index(apart) == normalized_mutual_information(apart) == 0.0


def test_stability_over_seeds():
    labels = [np.array(STATES), np.array(FILTERED), np.array(STATES)]
    ari = pairwise_ari(labels)
    assert ari[0, 2] == 1.0 and ari[0, 1] == pytest.approx(adjusted_rand_score(STATES, FILTERED))
    records = [
        {"seed": s, "log_likelihood_per_row": -s, "converged": s != 1, "iterations": 9}
        for s in range(3)
    ]
    summary = stability_summary(ari, records)
    assert summary["mean_ari"] == pytest.approx((1 + 2 * ari[0, 1]) / 3)
    assert (summary["seeds"], summary["converged"]) == (3, 2)
    assert summary["log_likelihood_per_row"] == {"lowest": -2, "highest": 0}
    values = [np.array([-1.0, 0.0, 1.0])] * 3
    means = [np.eye(3), np.eye(3) + 0.5, np.eye(3)]
    table = seed_table(records, values, means, labels)
    assert table.height == 9 and table["matched_by"].unique().to_list() == ["canonical order"]
    assert table["distance_to_first_seed"][3] == pytest.approx(np.sqrt(0.75))
    assert stability_summary(np.eye(1), records[:1])["mean_ari"] is None


def test_robustness_notes(decoded):
    fit = {"converged": True, "iterations": 7, "restarts": [], "degenerate_states": []}
    told = robustness_summary(state_profile(decoded, 3), fit, mean_ari=0.8)
    assert told["notes"] == [] and told["mean_ari"] == 0.8
    assert told["views"]["viterbi"]["effective_states"] == pytest.approx(1 / 0.38)
    assert told["views"]["viterbi"]["forward_separation"] == pytest.approx(0.3 + 0.4)
    flat = decoded.with_columns(hmm_state=pl.lit(0, pl.Int8), fwd_ret_10=pl.lit(0.01))
    bad = {
        "converged": False,
        "iterations": 200,
        "restarts": [{"error": None}, {"error": "start 1 (seed 1): why"}],
        "degenerate_states": [{"hmm_state": 2, "reasons": ["a", "b"]}],
    }
    notes = robustness_summary(state_profile(flat, 3), bad, mean_ari=0.2)["notes"]
    assert notes == [
        "viterbi: one state has 1.00 of the rows (> 0.7)",
        "viterbi: mean fwd_ret_10 of states differs by 0.0000 at most (< 0.002)",
        "filtered: mean fwd_ret_10 of states differs by 0.0000 at most (< 0.002)",
        "fits of several seeds agree little: mean ARI 0.20 (< 0.50)",
        "the fit stopped after 200 iterations without converging",
        "start 1 (seed 1): why",
        "state 2 is degenerate: a; b",
    ]
