"""Folds: which years are tested, on which days each is fitted, and the ordinary run that does it.

Imports nothing heavy: every plan reads it.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mf_etl.errors import ResearchError
from mf_etl.research.datasets.columns import OUTCOME_BARS
from mf_etl.research.runs.catalog import FOLD
from mf_etl.research.runs.requests import ClusteringRun, HmmRun, Request, digest
from mf_etl.research.validation.request import ValidationRequest

LEAST_TRAIN_DATES = 1260
"""Five years: what the first fold is fitted on at least."""

COLUMNS = {"hmm": "hmm_state", "clustering": "cluster_id"}
"""The label known on the day, by research."""


@dataclass(frozen=True)
class Fold:
    """A calendar year of test and what is before it; all four days are trading days there are."""

    fold: int
    train_first: datetime.date
    train_last: datetime.date
    test_first: datetime.date
    test_last: datetime.date


def folds_of(days: Sequence[datetime.date], last_folds: int) -> list[Fold]:
    """The last so many calendar years that at least 1,260 train dates lie before.

    `days` are the trading days there are, ascending. Train ends 21 dates before the test, so that no
    outcome of it reaches into the test. A day more at the end moves nothing but the last day of test.
    """
    found = []
    for year in sorted({day.year for day in days}):
        before = [day for day in days if day.year < year][: -OUTCOME_BARS or None]
        if len(before) < LEAST_TRAIN_DATES:
            continue
        test = [day for day in days if day.year == year]
        found.append(Fold(year, before[0], before[-1], test[0], test[-1]))
    return found[-last_folds:]


def write_folds(
    folds: Sequence[Fold], days: Sequence[datetime.date], asked: ValidationRequest, path: Path
) -> None:
    """What `read_folds` reads, with the range of the days."""
    from mf_etl.io import write_json
    from mf_etl.research.validation import stamp

    told: dict[str, Any] = {
        "dates": len(days),
        "first": days[0].isoformat() if days else None,
        "last": days[-1].isoformat() if days else None,
        "dates_needed": LEAST_TRAIN_DATES + OUTCOME_BARS,
        "folds": [
            {n: v.isoformat() if isinstance(v, datetime.date) else v for n, v in asdict(f).items()}
            for f in folds
        ],
    }
    write_json(stamp.told(told, asked), path)


def read_folds(path: Path) -> list[Fold]:
    """The folds of a ``borders.json``."""
    told = json.loads(path.read_text(encoding="utf-8"))["folds"]
    day = datetime.date.fromisoformat
    return [
        Fold(one["fold"], *(day(one[name]) for name in list(one)[1:])) for one in told
    ]  # fmt: skip


def fold_request(request: Request, fold: Fold, states: int | None = None) -> Request:
    """The run of a fold: the same model, fitted to the fold's train, decoded to the year's last day.

    `states` takes the place of the model's own number. What does not bear on the labels is left out,
    so that validations share it.
    """
    preparation = request.preparation.model_copy(
        update={
            "split_mode": "time",
            "train_end": fold.train_last,
            "test_start": datetime.date(fold.fold, 1, 1),
            "test_end": datetime.date(fold.fold, 12, 31),
            "fit_on": "train",
            "predict_on": "all",
        }
    )
    change: dict[str, Any] = {"preparation": preparation}
    if isinstance(request, HmmRun):
        change["cluster_labels_file"] = None
        if states is not None:
            change["hmm"] = request.hmm.model_copy(update={"n_components": states})
    if isinstance(request, ClusteringRun) and states is not None:
        change["clustering"] = request.clustering.model_copy(update={"n_clusters": states})
    return request.model_copy(update=change)


def chosen_states(path: Path) -> int:
    """The number of states in a ``states.json``."""
    return int(json.loads(path.read_text(encoding="utf-8"))["chosen"])


def fold_folder(request: Request, fold: Fold) -> str:
    """Name of the folder of a fold's run: the same request has the same."""
    return request.folder(f"{FOLD}-{fold.fold}-{digest(request)}")


def refuse(asked: ValidationRequest, labels: Request, name: str) -> None:
    """Raises `ResearchError` if the labels of run `name` cannot be validated as `asked`."""
    if labels.entry != "runs":
        raise ResearchError(f"{name} is no single run but a {labels.kind}; name one with labels")
    known = COLUMNS[labels.research]
    own = {known, f"hindsight_{known}"} if labels.research == "hmm" else {known}
    if asked.column is not None and asked.column not in own:
        raise ResearchError(f"{name} has no labels {asked.column}; it has {', '.join(sorted(own))}")
    if asked.select_k is not None and getattr(labels.spec, "method", "hmm") in (
        "kmeans",
        "hdbscan",
    ):
        raise ResearchError(
            f"{name}: select_k chooses by the likelihood of held-out tickers, which a "
            f"{labels.spec.told()['method']} has not; take an hmm or a gmm, or leave out select_k"
        )
    if asked.select_k is not None and labels.preparation.scaling_scope == "per_ticker":
        raise ResearchError(
            f"{name} scales each ticker by itself, so held-out tickers have no scale; leave out "
            "select_k"
        )
    number = getattr(labels.spec, "n_components", getattr(labels.spec, "n_clusters", None))
    if number == 1:
        raise ResearchError(f"{name} has one state: there is nothing to hold it against")
    if asked.in_sample:
        return
    preparation = labels.preparation
    if preparation.split_mode == "time" and preparation.fit_on == "all":
        raise ResearchError(
            f"{name} is fitted on its test rows, too (fit_on all): train and test overlap; name a run "
            "with fit_on train, or validate it with in_sample, which every file then says"
        )
