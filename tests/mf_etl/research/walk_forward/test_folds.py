"""Years of test and the days before them, by hand and day by day."""

from __future__ import annotations

import datetime
from itertools import pairwise

import pytest

from mf_etl.errors import ResearchError
from mf_etl.research.runs.requests import ClusteringRun, ClusteringSweep, HmmRun
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.walk_forward.folds import (
    LEAST_TRAIN_DATES,
    fold_folder,
    fold_request,
    folds_of,
    read_folds,
    refuse,
    write_folds,
)


def weekdays(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    every = (first + datetime.timedelta(n) for n in range((last - first).days + 1))
    return [day for day in every if day.weekday() < 5]


DAYS = weekdays(datetime.date(2010, 1, 1), datetime.date(2018, 3, 30))
ASKED = ValidationRequest(labels="r")


def test_train_ends_21_dates_before_the_year_and_holds_1260():
    found = folds_of(DAYS, 5)
    assert [fold.fold for fold in found] == [2015, 2016, 2017, 2018]
    for fold in found:
        before = [day for day in DAYS if day < fold.test_first]
        assert fold.train_last == before[-22] and fold.train_first == DAYS[0]
        assert fold.test_first == min(day for day in DAYS if day.year == fold.fold)
        assert before.index(fold.train_last) + 1 >= LEAST_TRAIN_DATES
    assert found[-1].test_last == DAYS[-1]
    assert [fold.fold for fold in folds_of(DAYS, 2)] == [2017, 2018]


def test_one_date_too_few_is_no_fold():
    year = [day for day in DAYS if day.year == 2015]
    before = [day for day in DAYS if day.year < 2015]
    assert folds_of(before[-1281:] + year, 5)[0].train_first == before[-1281]
    assert folds_of(before[-1280:] + year, 5) == []
    assert folds_of([], 5) == []


def test_borders_do_not_move_when_a_day_is_added():
    for one, next_one in pairwise(range(len(DAYS) - 300, len(DAYS))):
        before, after = folds_of(DAYS[:one], 99), folds_of(DAYS[:next_one], 99)
        for early, late in zip(before, after, strict=False):
            same = {"train_first", "train_last", "test_first"}
            assert {n: getattr(early, n) for n in same} == {n: getattr(late, n) for n in same}
            request = HmmRun()
            assert fold_request(request, early) == fold_request(request, late)


def test_folds_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "borders.json"
    write_folds(folds_of(DAYS, 3), DAYS, ASKED, path)
    assert read_folds(path) == folds_of(DAYS, 3)
    write_folds([], [], ASKED, path)
    assert read_folds(path) == []


def test_the_run_of_a_fold_is_an_ordinary_one_of_its_days():
    fold = folds_of(DAYS, 1)[0]
    request = fold_request(HmmRun(cluster_labels_file="clusters"), fold)
    split = request.preparation
    assert (split.train_end, split.fit_on) == (fold.train_last, "train")
    assert split.test_start == datetime.date(2018, 1, 1)
    assert split.test_end == datetime.date(2018, 12, 31)
    # Two validations of models that differ in nothing that bears on labels share the run.
    assert request == fold_request(HmmRun(), fold)
    assert fold_folder(request, fold).startswith("fold-2018-")
    assert fold_folder(request, fold).endswith("_hmm_market")
    assert fold_request(HmmRun(), fold, 7).spec.n_components == 7
    clustering = ClusteringRun(clustering={"n_clusters": 3})
    assert fold_request(clustering, fold, 4).spec.n_clusters == 4


@pytest.mark.parametrize(
    ("asked", "labels", "words"),
    [
        ({}, ClusteringSweep(), "no single run"),
        ({}, HmmRun(hmm={"n_components": 1}), "one state"),
        ({"column": "hmm_state"}, ClusteringRun(clustering={"n_clusters": 2}), "has no labels"),
        ({}, HmmRun(preparation={"fit_on": "all"}), "train and test overlap"),
    ],
)
def test_what_cannot_be_validated_is_refused(asked, labels, words):
    with pytest.raises(ResearchError, match=words):
        refuse(ValidationRequest(labels="r", **asked), labels, "r")


def test_in_sample_may_be_asked_for():
    asked = ValidationRequest(labels="r", in_sample=True, column="hindsight_hmm_state")
    refuse(asked, HmmRun(preparation={"fit_on": "all"}), "r")
    with pytest.raises(ValueError, match="later days in sight"):
        ValidationRequest(labels="r", column="hindsight_hmm_state")
