"""The estimator against hmmlearn, its bytes at any number of threads, floors and dead states."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from sklearn.base import clone

from mf_etl.research.models.ascent import to_come
from mf_etl.research.models.hmm.model import ShardedGaussianHMM
from mf_etl.research.models.hmm.monitor import GainPerRowMonitor
from mf_etl.research.preparation import sequences as sequences_module
from mf_etl.research.preparation.sequences import Sequences
from tests.mf_etl.research.states import PARAMETERS, market, random_model

LENGTHS = (1, 2, 1, 5000, 37, 300, 1, 900, 1)


def hmmlearn_twin(model, **settings) -> GaussianHMM:
    """hmmlearn's own estimator with the same parameters; it never stops early."""
    twin = model.to_hmmlearn().set_params(tol=-np.inf, **settings)
    twin.monitor_.tol = -np.inf
    return twin


@pytest.mark.parametrize("states", (2, 5, 8))
@pytest.mark.parametrize("covariance_type", ("diag", "full"))
def test_ten_iterations_equal_hmmlearn(covariance_type, states):
    x, _, sequences = market(states, lengths=LENGTHS, states=states, features=4, spread=1.5)
    model = random_model(1, states, 4, covariance_type, n_iter=10, tol=0.0, n_jobs=2)
    twin = hmmlearn_twin(model, n_iter=10)
    model.fit(x, sequences.lengths)
    wide = x.astype(np.float64)
    twin.fit(wide, sequences.lengths)
    assert model.monitor_.iter == twin.monitor_.iter == 10
    assert not model.at_floor_.any() and not model.dead_states_.any()
    for name in PARAMETERS:
        np.testing.assert_allclose(getattr(model, name), getattr(twin, name), rtol=0, atol=1e-8)
    np.testing.assert_allclose(model.monitor_.history, twin.monitor_.history, rtol=1e-10)
    np.testing.assert_allclose(model.score(x, LENGTHS), twin.score(wide, LENGTHS), rtol=1e-10)
    assert np.array_equal(model.predict(x, LENGTHS), twin.predict(wide, LENGTHS))
    np.testing.assert_allclose(
        model.predict_proba(x, LENGTHS), twin.predict_proba(wide, LENGTHS), rtol=0, atol=1e-7
    )
    by_row = model.decode(x, LENGTHS, algorithm="map")
    by_row_twin = twin.decode(wide, LENGTHS, algorithm="map")
    np.testing.assert_allclose(by_row[0], by_row_twin[0], rtol=1e-10)
    assert np.array_equal(by_row[1], by_row_twin[1])


@pytest.mark.parametrize("covariance_type", ("tied", "spherical"))
def test_other_covariances_equal_hmmlearn(covariance_type, monkeypatch):
    monkeypatch.setattr(sequences_module, "SHARD_ROWS", 100)
    x, _, sequences = market(0, lengths=(80, 1, 150, 60), states=3)
    model = random_model(1, 3, 3, covariance_type, n_iter=5, tol=0.0, n_jobs=2)
    twin = hmmlearn_twin(model, n_iter=5)
    model.fit(x, sequences.lengths)
    twin.fit(x.astype(np.float64), sequences.lengths)
    for name in PARAMETERS:
        np.testing.assert_allclose(getattr(model, name), getattr(twin, name), rtol=0, atol=1e-10)


@pytest.mark.parametrize("accelerate", (False, True))
@pytest.mark.parametrize("covariance_type", ("diag", "full"))
def test_same_bytes_at_any_number_of_threads(covariance_type, accelerate, monkeypatch, tmp_path):
    monkeypatch.setattr(sequences_module, "SHARD_ROWS", 150)
    x, _, sequences = market(0, lengths=(90, 70, 300, 5, 40, 200, 160), features=5)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    found = []
    for n_jobs in (1, 2, 4):
        model = ShardedGaussianHMM(
            3, covariance_type, n_iter=9, random_state=3, n_jobs=n_jobs, accelerate=accelerate
        )
        model.fit(mapped, sequences)
        arrays = [getattr(model, name) for name in PARAMETERS]
        found.append([a.tobytes() for a in (*arrays, model.predict_proba(mapped, sequences))])
    assert found[0] == found[1] == found[2]


def test_a_memory_map_is_read_in_shards(monkeypatch):
    monkeypatch.setattr(sequences_module, "SHARD_ROWS", 100)
    x, _, sequences = market(0, lengths=(60,) * 20)
    model = random_model(0, 3, 3)
    read = []
    log_density = model.log_density
    monkeypatch.setattr(model, "log_density", lambda part: read.append(part) or log_density(part))
    model.score(x, sequences)
    assert [len(part) for part in read] == [120] * 10
    assert all(part.dtype == np.float32 and np.shares_memory(part, x) for part in read)


def test_converged_means_the_gain_was_small_never_that_iterations_ran_out():
    x, _, sequences = market(1, lengths=(400, 400), spread=1.0)
    stopped = ShardedGaussianHMM(3, n_iter=3, tol=1e-9, random_state=0).fit(x, sequences)
    assert stopped.monitor_.iter == 3 and not stopped.monitor_.converged
    model = ShardedGaussianHMM(3, tol=1e-4, random_state=0).fit(x, sequences)
    history = model.monitor_.history
    assert model.monitor_.converged and model.monitor_.iter < 1_000

    def done(values):
        return (values[-1] - values[-2]) < 0.08 and to_come(values[-3:]) <= 0.8

    assert [done(history[:n]) for n in range(3, len(history) + 1)].index(True) == len(history) - 3
    # Small gains that go on for long: the tolerance alone would have stopped sooner.
    assert np.flatnonzero(np.diff(history) < 0.08)[0] + 2 < len(history)


@pytest.mark.parametrize("covariance_type", ("diag", "full", "tied", "spherical"))
def test_accelerated_fits_rise_at_every_step_and_get_there_sooner(covariance_type):
    x, _, sequences = market(1, lengths=(400, 400, 300), states=4, spread=0.8)
    start = random_model(0, 4, 3, covariance_type, tol=1e-8)
    fits = []
    for accelerate in (False, True):
        model = clone(start).set_params(accelerate=accelerate)
        model.n_features = 3
        for name in PARAMETERS:
            setattr(model, name, getattr(start, name).copy())
        fits.append(model.fit(x, sequences))
    plain, fast = fits
    assert np.diff(fast.monitor_.history).min() > -1e-7 and fast.monitor_.converged
    assert fast.monitor_.iter < 0.7 * plain.monitor_.iter
    assert fast.score(x, sequences) > plain.score(x, sequences) - 1e-3 * sequences.rows


def test_sequences_after_a_gap_start_from_the_stationary_distribution():
    """Against the sum over all paths; and start probabilities are those of listings."""
    x, _, _ = market(5, lengths=(4, 4, 4), spread=0.5)
    model = random_model(2, 3, 3, n_iter=1)
    after_gap = np.array([False, True, False])
    sequences = replace(Sequences.contiguous((4, 4, 4), 12), after_gap=after_gap)
    long_run = np.linalg.matrix_power(model.transmat_, 500)[0]
    density, expected, first = np.exp(model.log_density(x)), 0.0, np.zeros(3)
    for begin, gap in zip((0, 4, 8), after_gap, strict=True):
        total = np.zeros(3)
        for path in itertools.product(range(3), repeat=4):
            p = (long_run if gap else model.startprob_)[path[0]] * density[begin, path[0]]
            for t in range(1, 4):
                p *= model.transmat_[path[t - 1], path[t]] * density[begin + t, path[t]]
            total[path[0]] += p
        expected += np.log(total.sum())
        first += (not gap) * total / total.sum()
    assert model.score(x, sequences) == pytest.approx(expected, rel=1e-12)
    model.fit(x, sequences)
    np.testing.assert_allclose(model.startprob_, first / 2, rtol=1e-12)
    none_listed = replace(sequences, after_gap=np.ones(3, dtype=bool))
    starts = model.startprob_.copy()
    assert np.array_equal(model.fit(x, none_listed).startprob_, starts)


def test_a_likelihood_that_falls_is_not_convergence():
    monitor = GainPerRowMonitor(1e-3, 10, False)
    for log_likelihood in (-100.0, -101.0):
        monitor.report(log_likelihood)
    assert not monitor.converged
    monitor.report(-101.0)
    assert monitor.converged and monitor.iter == 3


@pytest.mark.parametrize("covariance_type", ("diag", "full", "tied", "spherical"))
def test_floor_holds_at_every_m_step(covariance_type, monkeypatch):
    """A feature that all but stands still would collapse; hmmlearn lets it."""
    x, _, sequences = market(2, lengths=(300, 300))
    x[:, 2] *= 1e-4
    if covariance_type == "spherical":
        x *= 1e-4
    lowest = []
    do_mstep = ShardedGaussianHMM._do_mstep

    def noted(model, statistics):
        do_mstep(model, statistics)
        lowest.append(np.linalg.eigvalsh(model.covars_).min())

    monkeypatch.setattr(ShardedGaussianHMM, "_do_mstep", noted)
    model = ShardedGaussianHMM(
        3, covariance_type, min_covar=1e-2, covars_prior=0.0, random_state=0, n_iter=8, tol=0.0
    ).fit(x, sequences)
    np.testing.assert_allclose(lowest, 1e-2, rtol=1e-9)
    assert len(lowest) == 8 and model.at_floor_.all()


@pytest.mark.parametrize("covariance_type", ("diag", "full", "tied", "spherical"))
def test_a_state_without_data_keeps_its_parameters(covariance_type):
    x, _, sequences = market(3, lengths=(200, 200), states=2)
    model = random_model(0, 3, 3, covariance_type, n_iter=4, tol=0.0)
    model.means_[:2] = x[:2]
    model.means_[2] = 1e4
    model.startprob_ = np.array([0.6, 0.4, 0.0])
    model.transmat_[:2] = [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]
    parameters = [getattr(model, name).copy() for name in PARAMETERS]
    names = ("means_", "transmat_", *(["_covars_"] if covariance_type != "tied" else []))
    before = [getattr(model, name)[2].copy() for name in names]
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model.fit(x, sequences)
    assert model.dead_states_.tolist() == [False, False, True]
    for name, kept in zip(names, before, strict=True):
        assert np.array_equal(getattr(model, name)[2], kept)
    assert np.isfinite(model.score(x, sequences))
    # The states with data are those of a model without the dead one.
    alone = random_model(0, 2, 3, covariance_type, n_iter=4, tol=0.0)
    alive = {name: slice(2) for name in PARAMETERS} | {"transmat_": np.ix_([0, 1], [0, 1])}
    if covariance_type == "tied":
        alive["_covars_"] = slice(None)
    for name, start in zip(PARAMETERS, parameters, strict=True):
        setattr(alone, name, start[alive[name]])
    alone.fit(x, sequences)
    for name in PARAMETERS:
        found = getattr(model, name)[alive[name]]
        np.testing.assert_allclose(found, getattr(alone, name), rtol=0, atol=1e-9)


def test_sequences_may_leave_rows_out():
    x, _, sequences = market(4, lengths=(50, 30, 70))
    some = type(sequences)(sequences.starts[[0, 2]], sequences.lengths[[0, 2]])
    model = random_model(0, 3, 3)
    without = np.concatenate([x[:50], x[80:]])
    assert model.score(x, some) == model.score(without, (50, 70))
    ordered = type(sequences)(np.array([0]), np.array([50]), np.arange(49, -1, -1))
    assert model.score(x, ordered) == model.score(x[49::-1], (50,))


def test_it_is_an_estimator():
    model = ShardedGaussianHMM(4, "full", tol=1e-2, n_jobs=3, start_rows=10)
    assert isinstance(model, GaussianHMM)
    assert clone(model).get_params() == model.get_params()
    fitted = random_model(0, 3, 3, "tied")
    plain = fitted.to_hmmlearn()
    assert type(plain) is GaussianHMM
    assert plain.sample(5, random_state=0)[0].shape == (5, 3)


def test_bad_calls_are_refused():
    x = np.zeros((5, 2))
    with pytest.raises(ValueError, match="6 states for 5 rows"):
        ShardedGaussianHMM(6).fit(x)
    with pytest.raises(ValueError, match="at most 127 components, not 128"):
        ShardedGaussianHMM(128).fit(x)
    with pytest.raises(ValueError, match="NaN"):
        ShardedGaussianHMM(1).fit(np.full((5, 2), np.nan))
    with pytest.raises(ValueError, match="lengths add up to 4, but there are 5 rows"):
        ShardedGaussianHMM(1).fit(x, [2, 2])
    for features in (2, 4):
        with pytest.raises(ValueError, match=f"X has {features} features, the model 3"):
            random_model(0, 3, 3).score(np.zeros((5, features)))
    with pytest.raises(ValueError, match="at least one row"):
        ShardedGaussianHMM(1).fit(x, [0, 5])
