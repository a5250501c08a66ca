"""Models saved and loaded: exact, the same bytes, no code run, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.models.hmm.storage import FILES, META, load_model, save_model
from tests.mf_etl.research.states import PARAMETERS, market, random_model

REPORT = {"converged": True}


@pytest.mark.parametrize("covariance_type", ("diag", "full", "tied", "spherical"))
def test_a_loaded_model_is_the_one_that_was_saved(covariance_type, tmp_path):
    x, _, sequences = market(0, lengths=(50, 50))
    model = random_model(0, 4, 3, covariance_type)
    meta = save_model(model, ("a", "b", "c"), REPORT, tmp_path)
    loaded, told = load_model(tmp_path, n_jobs=2)
    assert told == meta == json.loads((tmp_path / META).read_text())
    for name in PARAMETERS:
        assert getattr(loaded, name).tobytes() == getattr(model, name).tobytes()
    assert loaded.score(x, sequences) == model.score(x, sequences)
    assert np.array_equal(np.array(told["means"]), model.means_)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    save_model(loaded, ("a", "b", "c"), REPORT, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_is_not_a_whole_model_is_refused(tmp_path):
    model = random_model(0, 4, 3)

    def refusal(change):
        save_model(model, ("a", "b", "c"), REPORT, tmp_path)
        change()
        with pytest.raises(ResearchError) as error:
            load_model(tmp_path)
        assert "\n" not in str(error.value)
        return str(error.value)

    def meta(**values):
        told = json.loads((tmp_path / META).read_text())
        (tmp_path / META).write_text(json.dumps({**told, **values}))

    def array(name, value):
        np.save(tmp_path / f"hmm_{name}.npy", value, allow_pickle=True)

    assert "No such file" in refusal(lambda: (tmp_path / "hmm_means.npy").unlink())
    assert "format 9, this version reads 2" in refusal(lambda: meta(format=9))
    assert "no format" in refusal(lambda: (tmp_path / META).write_text("{}"))
    assert "means of shape (4, 3) for (4, 2)" in refusal(lambda: meta(features=["a", "b"]))
    assert "allow_pickle" in refusal(lambda: array("means", np.array([object()])))
    assert "not finite" in refusal(lambda: array("means", np.full((4, 3), np.nan)))
    assert "must sum to 1" in refusal(lambda: array("transmat", np.ones((4, 4))))
    assert "positive" in refusal(lambda: array("covars", np.zeros((4, 3))))
    assert "covariances of shape (3, 3)" in refusal(lambda: array("covars", np.eye(3)))
