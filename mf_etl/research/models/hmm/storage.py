"""A fitted model as JSON and plain arrays; loading runs no code from the folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import write_array

from mf_etl.errors import ResearchError
from mf_etl.io import replacing, write_json
from mf_etl.research.models.hmm.model import ShardedGaussianHMM

META = "hmm_model_meta.json"
ARRAYS = ("startprob", "transmat", "means", "covars")
FILES = (META, *(f"hmm_{name}.npy" for name in ARRAYS))
FORMAT = 2

_SETTINGS = ("n_components", "covariance_type", "min_covar", "n_iter", "tol")


def save_model(
    model: ShardedGaussianHMM, features: tuple[str, ...], report: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """Write `FILES` into `folder` and give what the meta file holds.

    Arrays are float64, in the shapes of hmmlearn: startprob (states,), transmat (states, states),
    means (states, features), covars (states, features) for diag and spherical, (states, features,
    features) for full, (features, features) for tied. The meta file repeats them for readers; what
    `load_model` computes with are the arrays. `report` is what `report.fit_report` gave.
    """
    arrays = {
        "startprob": model.startprob_,
        "transmat": model.transmat_,
        "means": model.means_,
        "covars": model._covars_,
    }
    for name, array in arrays.items():
        with replacing(folder / f"hmm_{name}.npy") as temporary, temporary.open("wb") as file:
            write_array(file, np.ascontiguousarray(array, dtype=np.float64), allow_pickle=False)
    meta = {
        "format": FORMAT,
        **{name: getattr(model, name) for name in _SETTINGS},
        "random_state": model.random_state,
        "features": list(features),
        **report,
        **{name: array.tolist() for name, array in arrays.items()},
    }
    write_json(meta, folder / META)
    return meta


def load_model(folder: Path, *, n_jobs: int = 1) -> tuple[ShardedGaussianHMM, dict[str, Any]]:
    """The model of a run folder and its meta file; raises `ResearchError` if they are not whole."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        if meta["format"] != FORMAT:
            raise ResearchError(
                f"model {folder}: format {meta['format']}, this version reads {FORMAT}; fit again"
            )
        model = ShardedGaussianHMM(
            **{name: meta[name] for name in _SETTINGS},
            random_state=meta["random_state"],
            n_jobs=n_jobs,
        )
        arrays = {name: np.load(folder / f"hmm_{name}.npy", allow_pickle=False) for name in ARRAYS}
        model.n_features = len(meta["features"])
        shape = (model.n_components, model.n_features)
        if arrays["means"].shape != shape:
            raise ValueError(f"means of shape {arrays['means'].shape} for {shape}")
        for name in ("startprob", "transmat", "means"):
            setattr(model, f"{name}_", arrays[name])
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("parameters are not finite")
        model._check()
        if arrays["covars"].shape != _covariance_shape(model):
            raise ValueError(f"covariances of shape {arrays['covars'].shape}")
        model.covars_ = arrays["covars"]
    except KeyError as error:
        raise ResearchError(f"model {folder}: no {error.args[0]} in {META}; fit again") from None
    except (OSError, ValueError, TypeError) as error:
        raise ResearchError(f"model {folder}: {str(error).splitlines()[0]}; fit again") from None
    return model, meta


def _covariance_shape(model: ShardedGaussianHMM) -> tuple[int, ...]:
    states, features = model.n_components, model.n_features
    return {
        "diag": (states, features),
        "spherical": (states, features),
        "full": (states, features, features),
        "tied": (features, features),
    }[model.covariance_type]
