"""Separation against what is planted and against chance; notes at their thresholds."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mf_etl.research.evaluation.groups import Groups
from mf_etl.research.evaluation.profiles import profiles
from mf_etl.research.evaluation.robustness import balance, rank_correlation, robustness_summary
from mf_etl.research.evaluation.separation import separations
from mf_etl.research.models.views import WHY_VIEWS_DIFFER
from tests.mf_etl.research.evaluation.cases import AHEAD, PAST, labelled_rows

TICKERS, DAYS, TRAIN = 12, 500, 300


def persistent(seed: int) -> np.ndarray:
    """Labels of three states in runs of about 20 days, one row a ticker after the other."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, TICKERS * DAYS)
    stays = random.random(len(labels)) < 0.95
    for row in range(1, len(labels)):
        if stays[row]:
            labels[row] = labels[row - 1]
    return labels


def case(tmp_path, labels, outcome, name="fwd_ret_10", **columns):
    found = labelled_rows(
        tmp_path,
        {"filtered": labels.tolist()},
        lengths=(DAYS,) * TICKERS,
        states=3,
        train=TRAIN,
        **{name: outcome, **columns},
    )
    return Groups.of(found)


def noise(seed: int) -> np.ndarray:
    """Outcomes with a factor that all tickers share, so that rows of a day are not independent."""
    random = np.random.default_rng([1, seed])
    common = np.tile(random.normal(0, 0.03, DAYS), TICKERS)
    return common + random.normal(0, 0.04, TICKERS * DAYS)


def test_a_planted_difference_is_found(tmp_path):
    labels = persistent(0)
    apart, intervals = separations(case(tmp_path, labels, noise(0) + 0.02 * labels), seed=0)
    test = apart["filtered", "test"]
    assert (test.highest, test.lowest) == (2, 0) and test.outcome == "fwd_ret_10"
    assert test.lo < 0.04 < test.hi and test.lo > 0.02
    assert test.p_shifted == pytest.approx(1 / (test.shifts + 1)) and test.shifts > 50
    assert intervals.filter(pl.col("lo") >= pl.col("hi")).is_empty() and intervals.height == 6


def test_labels_without_information_are_within_what_shifts_give(tmp_path):
    """A separation of 0.002 and more comes from chance, so a threshold would pass it."""
    values, p = [], []
    for seed in range(8):
        groups = case(tmp_path / str(seed), persistent(seed), noise(seed))
        test = separations(groups, seed=0, with_intervals=False)[0]["filtered", "test"]
        values.append(test.value)
        p.append(test.p_shifted)
    assert np.mean(np.array(values) > 0.002) > 0.3
    assert np.mean(np.array(p) > 0.05) >= 7 / 8


def test_the_return_over_the_market_goes_first_and_only_of_eligible_rows(tmp_path):
    labels, outcome = persistent(1), noise(1)
    eligible = np.arange(len(labels)) % 2 == 0
    excess = np.where(eligible, outcome + 0.05 * labels, -outcome)
    groups = case(
        tmp_path / "a", labels, outcome, fwd_xs_10=excess.tolist(), eligible=eligible.tolist()
    )
    found = separations(groups, 0, with_intervals=False)[0]["filtered", "train"]
    mean = [excess[(labels == k) & eligible & (np.tile(np.arange(DAYS), TICKERS) < TRAIN)].mean()
            for k in range(3)]  # fmt: skip
    assert found.outcome == "fwd_xs_10" and found.value == pytest.approx(max(mean) - min(mean))
    nothing = pl.Series([None] * len(labels), dtype=pl.Float64)
    groups = case(tmp_path / "b", labels, outcome, fwd_xs_10=nothing, eligible=eligible.tolist())
    found = separations(groups, 0, with_intervals=False)[0]["filtered", "train"]
    assert found.outcome == "fwd_ret_10" and found.value is not None


def test_few_days_tell_no_interval(tmp_path):
    found = labelled_rows(tmp_path, {"filtered": [0, 1, 0, 1]}, lengths=(4,), states=2, train=2,
                          fwd_ret_10=[0.1, 0.2, 0.3, None])  # fmt: skip
    apart, _ = separations(Groups.of(found), 0)
    train = apart["filtered", "train"]
    assert train.value == pytest.approx(0.1) and train.lo is train.hi is train.p_shifted is None
    assert apart["filtered", "test"].value is None


def test_balance_by_hand():
    profile = pl.DataFrame({"cluster_id": [-1, 0, 1, 2], "rows": [900, 10, 30, 60]})
    found = balance(profile, "cluster_id")
    assert found["largest_share"] == pytest.approx(0.6)
    assert found["effective_labels"] == pytest.approx(1 / (0.01 + 0.09 + 0.36))
    alone = balance(profile.head(1), "cluster_id")
    assert alone == {"largest_share": None, "effective_labels": None}


def test_notes_name_view_and_period_and_thresholds(tmp_path):
    labels = persistent(2)
    labels[labels > 0] = 1
    labels = np.where(np.random.default_rng(0).random(len(labels)) < 0.9, 1, labels)
    found = labelled_rows(
        tmp_path,
        {"filtered": labels.tolist(), "hindsight": labels.tolist()},
        lengths=(DAYS,) * TICKERS,
        states=2,
        train=TRAIN,
        views=(PAST, AHEAD),
        fwd_ret_10=noise(2).tolist(),
    )
    groups = Groups.of(found)
    apart, _ = separations(groups, 0, with_intervals=False)
    told = robustness_summary(groups, profiles(groups, features=()), apart, silhouette=0.099)
    notes = told["notes"]
    assert notes[0] == AHEAD.warning != WHY_VIEWS_DIFFER
    assert notes[1] == "silhouette 0.099 is below 0.1: clusters overlap"
    assert any(n.startswith("filtered, train: one label has 0.9") for n in notes)
    by_chance = {", ".join(side) for side, one in apart.items() if one.p_shifted > 0.05}
    assert by_chance == {n.split(":")[0] for n in notes if "shifts of the labels give" in n}
    assert by_chance
    assert told["views"]["filtered"]["train"]["in_sample"] is True
    assert told["views"]["filtered"]["test"]["in_sample"] is False
    assert told["views"]["hindsight"]["seen"] == "whole sequence"


def test_rank_correlation_of_train_and_test(tmp_path):
    labels = persistent(3)
    groups = case(tmp_path, labels, noise(3))
    means = [0.01, 0.02, 0.03, 0.02, 0.01, 0.04]
    profile = pl.DataFrame(
        {"view": "filtered", "period": ["train"] * 3 + ["test"] * 3,
         "hmm_state": [0, 1, 2] * 2, "fwd_ret_10_mean": means}
    )  # fmt: skip
    assert rank_correlation(groups, profile) == pytest.approx(0.5)
