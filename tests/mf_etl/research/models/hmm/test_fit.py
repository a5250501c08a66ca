"""Restarts, what is told about a fit, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import adjusted_rand_score

from mf_etl.errors import ResearchError
from mf_etl.research.models.hmm import start as start_module
from mf_etl.research.models.hmm.fit import FINALISTS, check_fit_rows, fit_restarts
from mf_etl.research.models.hmm.markov import fit_notes
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.report import (
    degenerate_states,
    evaluate,
    fit_report,
    information_criteria,
)
from mf_etl.research.models.hmm.spec import HmmSpec
from mf_etl.research.models.hmm.start import kmeans_start, start_sample
from mf_etl.research.preparation import sequences as sequences_module
from mf_etl.research.preparation.sequences import Sequences
from tests.mf_etl.research.states import PARAMETERS, market, random_model


def test_restarts_recover_the_regimes_where_a_single_start_fails():
    x, regimes, sequences = market(2, lengths=(300,) * 20, states=6, features=4)
    spec = HmmSpec(n_components=6, tol=1e-5)
    single, of_single = fit_restarts(x, sequences, spec.model_copy(update={"n_restarts": 1}))
    model, records = fit_restarts(x, sequences, spec)
    assert adjusted_rand_score(regimes, single.predict(x, sequences)) < 0.8
    assert adjusted_rand_score(regimes, model.predict(x, sequences)) >= 0.9
    assert records[0] == {**of_single[0], "kept": False}
    assert all(record["race"] is None for record in records)
    assert [r["restart"] for r in records] == [0, 1, 2, 3, 4]
    assert [r["random_state"] for r in records] == [0, 1, 2, 3, 4]
    best = max(records, key=lambda record: record["log_likelihood"])
    assert [r for r in records if r["kept"]] == [best]
    assert best["log_likelihood"] == model.score(x, sequences)


@pytest.mark.parametrize("start_rows", (500, 800))
def test_a_start_that_cannot_be_fitted_does_not_stop_the_others(start_rows, monkeypatch):
    x, _, sequences = market(0, lengths=(200,) * 4)
    spec = HmmSpec(n_components=3, n_restarts=3, start_rows=start_rows)
    real = ShardedGaussianHMM.fit
    broken = {0, 1}

    def fit(self, *arguments):
        if self.random_state in broken:
            raise ValueError("the log-likelihood is not finite")
        return real(self, *arguments)

    monkeypatch.setattr(ShardedGaussianHMM, "fit", fit)
    model, records = fit_restarts(x, sequences, spec)
    assert [record["kept"] for record in records] == [False, False, True]
    error = "start 1 (seed 1): the log-likelihood is not finite"
    told = {name: value for name, value in records[1].items() if value is not None}
    assert told == {"restart": 1, "random_state": 1, "error": error, "kept": False}
    assert model.random_state == 2
    train = evaluate(model, x, sequences)
    report = fit_report(model, records, train, None)
    assert list(fit_notes(report))[:2] == [records[0]["error"], error]
    broken.add(2)
    with pytest.raises(ResearchError, match=r"^start 0 \(seed 0\): the log-likelihood is not"):
        fit_restarts(x, sequences, spec)


def test_starts_race_on_a_sample_and_the_best_go_on_with_all_rows():
    x, _, sequences = market(2, lengths=(300,) * 20, states=6, features=4)
    spec = HmmSpec(n_components=6, start_rows=1500)
    model, records = fit_restarts(x, sequences, spec)
    raced = [record["race"]["log_likelihood_per_row"] for record in records]
    went_on = [record["log_likelihood_per_row"] is not None for record in records]
    assert sorted(np.argsort(raced)[-FINALISTS:]) == np.flatnonzero(went_on).tolist()
    (kept,) = (record for record in records if record["kept"])
    assert kept["converged"] and kept["log_likelihood"] == model.score(x, sequences)
    assert kept["log_likelihood_per_row"] >= max(raced)
    _, whole = fit_restarts(x, sequences, HmmSpec(n_components=6))
    best = max(record["log_likelihood_per_row"] for record in whole)
    assert kept["log_likelihood_per_row"] == pytest.approx(best, abs=1e-5)


def test_the_likelihood_of_test_rows_is_given_the_days_before():
    x, _, _ = market(3, lengths=(200, 150), spread=1.0)
    model = random_model(0, 3, 3)
    whole = Sequences.contiguous((200, 150), 350)
    train = Sequences(np.array([0, 200]), np.array([120, 90]))
    lengths = np.array([80, 60])
    test = Sequences(np.array([120, 290]), lengths, lead=np.array([120, 90]))
    found = evaluate(model, x, test)
    expected = model.score(x, whole) - model.score(x, train)
    assert found.rows == 140 and found.log_likelihood == pytest.approx(expected, rel=1e-12)
    last = np.concatenate([np.arange(120, 200), np.arange(290, 350)])
    posteriors = model.predict_proba(x, whole)[last]
    np.testing.assert_allclose(found.occupancy, posteriors.mean(axis=0), rtol=1e-12)


def test_same_fit_for_any_number_of_threads_and_whatever_rows_follow(monkeypatch):
    """Rows outside the fit's sequences, such as test data, do not matter."""
    monkeypatch.setattr(sequences_module, "SHARD_ROWS", 250)
    x, _, sequences = market(0, lengths=(200,) * 10)
    train = Sequences(sequences.starts[:7], sequences.lengths[:7])
    spec = HmmSpec(n_components=3, n_restarts=2, start_rows=500)
    first, records = fit_restarts(x, train, spec)
    x[1400:] = 7.0
    second, records_again = fit_restarts(x, train, spec, n_jobs=2)
    assert records == records_again and records[0]["race"]
    for name in PARAMETERS:
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


def test_a_sample_is_of_stretches_from_all_over(monkeypatch):
    monkeypatch.setattr(start_module, "STRETCH_ROWS", 20)
    x = np.arange(300.0)[:, None]
    sequences = Sequences(np.array([0, 100]), np.array([50, 200]), after_gap=np.array([0, 1]) > 0)
    sample = start_sample(x, sequences, seed=1, rows=90)
    lengths, rows = sample.sequences.lengths, sample.rows[:, 0]
    firsts = rows[sample.sequences.starts]
    assert lengths.sum() == 90 and lengths.max() == 20 and sorted(firsts) == firsts.tolist()
    for first, length in zip(firsts, lengths, strict=True):
        inside = rows[(rows >= first) & (rows < first + length)]
        assert np.array_equal(inside, np.arange(first, first + length))
    assert np.array_equal(sample.sequences.after_gap, firsts != 0)
    assert np.array_equal(rows, start_sample(x, sequences, seed=1, rows=90).rows[:, 0])


def test_start_is_made_of_a_seeded_sample():
    x, _, sequences = market(1, lengths=(40, 10, 25, 60))
    sample = start_sample(x, sequences, seed=5, rows=70)
    assert len(sample.rows) == sample.sequences.rows == 70
    lengths = sample.sequences.lengths
    assert sum(length in (40, 10, 25, 60) for length in lengths) >= len(lengths) - 1
    assert np.array_equal(sample.rows, start_sample(x, sequences, seed=5, rows=70).rows)
    whole = start_sample(x, sequences, seed=5, rows=1000)
    assert np.array_equal(whole.rows, x) and whole.sequences.lengths.tolist() == [40, 10, 25, 60]
    start = kmeans_start(whole, 3, covariance_type="full", min_covar=1e-3, seed=0)
    np.testing.assert_allclose(start["transmat_"].sum(axis=1), 1.0)
    assert start["startprob_"].sum() == pytest.approx(1.0) and (start["startprob_"] > 0).all()
    assert start["covars_"].shape == (3, 3, 3)


def test_evaluation_and_criteria():
    x, _, sequences = market(3, lengths=(200, 150), spread=1.0)
    model = random_model(0, 3, 3)
    found = evaluate(model, x, sequences)
    posteriors = model.predict_proba(x, sequences)
    log_likelihood = model.score(x, sequences)
    assert (found.rows, found.log_likelihood) == (350, log_likelihood)
    np.testing.assert_allclose(found.occupancy, posteriors.mean(axis=0))
    assert found.viterbi_log_probability == model.decode(x, sequences)[0] < log_likelihood
    told = information_criteria(model, found)
    parameters = 2 + 3 * 2 + 9 + 9
    assert told["free_parameters"] == parameters
    plain = model.to_hmmlearn()
    assert told["aic"] == pytest.approx(plain.aic(x.astype(float), [200, 150]))
    assert told["bic"] == pytest.approx(plain.bic(x.astype(float), [200, 150]))
    difference = 2 * (log_likelihood - found.viterbi_log_probability)
    assert told["icl"] == pytest.approx(told["bic"] + difference)


def test_degenerate_states_are_told_with_their_reasons():
    model = random_model(0, 4, 3)
    model.dead_states_ = np.array([False, True, False, False])
    model.at_floor_ = np.array([False, False, True, False])
    model.transmat_[3] = (0, 0, 0, 1)
    found = degenerate_states(model, np.array([0.5, 0.0, 0.2, 0.3]))
    assert [state["hmm_state"] for state in found] == [1, 2, 3]
    assert len(found[0]["reasons"]) == 2 and "occupancy 0.00e+00" in found[0]["reasons"][0]
    assert found[1]["reasons"] == ["a covariance at its floor of 0.001"]
    assert found[2]["reasons"] == ["absorbing: probability 0.0e+00 a day to leave it"]


def test_the_only_state_of_a_model_is_not_called_absorbing():
    model = random_model(0, 1, 3)
    model.dead_states_ = model.at_floor_ = np.array([False])
    assert degenerate_states(model, np.array([1.0])) == []


def test_a_report_says_when_a_fit_did_not_converge():
    x, _, sequences = market(3, lengths=(200, 150), spread=1.0)
    model, records = fit_restarts(
        x, sequences, HmmSpec(n_components=3, n_iter=2, tol=1e-9, n_restarts=1)
    )
    train = evaluate(model, x, sequences)
    report = fit_report(model, records, train, None)
    assert report["converged"] is False and report["iterations"] == 2
    assert report["log_likelihood_per_row"]["test"] is None
    assert report["log_likelihood_per_row"]["train"] * 350 == pytest.approx(train.log_likelihood)


def test_one_sequence_is_fine():
    x, regimes, sequences = market(0, lengths=(500,))
    model, _ = fit_restarts(x, sequences, HmmSpec(n_components=3))
    assert adjusted_rand_score(regimes, model.predict(x, sequences)) > 0.9


def test_rows_that_cannot_be_fitted_are_refused():
    x, _, sequences = market(0, lengths=(60,))
    features = ("a", "b", "c")

    def refusal(matrix=x, of=sequences, **spec):
        with pytest.raises(ResearchError) as error:
            check_fit_rows(matrix, features, of, HmmSpec(**spec))
        return str(error.value)

    check_fit_rows(x, features, sequences, HmmSpec(n_components=3))
    few = Sequences.contiguous([4], 4)
    assert refusal(x[:4], few).startswith("5 states for 4 rows to fit on; choose fewer")
    assert "60 rows of 3 features are too few for the 215 parameters" in refusal(n_components=12)
    assert "simpler covariance" in refusal(x[:10], Sequences.contiguous([10], 10), n_components=4)
    constant = x.copy()
    constant[:, 1] = 2.0
    assert refusal(constant).startswith("feature b is constant in the rows to fit on")
    for value in (np.nan, np.inf, -np.inf):
        broken = x.copy()
        broken[33, 2] = value
        assert refusal(broken).startswith("feature c has NaN or infinity")
    with pytest.raises(ResearchError, match="3 states from a sample of 2 rows; raise start_rows"):
        fit_restarts(x, sequences, HmmSpec(n_components=3, start_rows=2))
    with pytest.raises(ValidationError, match="n_components"):
        HmmSpec(n_components=0)
