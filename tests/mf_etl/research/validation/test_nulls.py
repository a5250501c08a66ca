"""Markets in which labels tell nothing: how often something is found, and how often intervals hold.

``make test-nulls N=300`` makes the figures of the documents; a few runs of it
are part of every test.
"""

from __future__ import annotations

import math
import os

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from mf_etl.research.inference.shifted import Path, common_shifts, shifted_labels
from mf_etl.research.inference.sums import DateSums
from mf_etl.research.validation.request import ValidationRequest
from mf_etl.research.validation.state_outcomes import state_outcomes

RUNS = int(os.environ.get("MF_ETL_TEST_NULLS", "16"))
DAYS, TICKERS, STATES, HORIZONS = 2520, 50, 3, (1, 10)


def persistent(random, shape, dwell=20):
    """States that last `dwell` days on average, along the last axis."""
    change = random.random(shape) < 1 / dwell
    change[..., 0] = True
    start = np.maximum.accumulate(np.where(change, np.arange(shape[-1]), 0), axis=-1)
    return np.take_along_axis(random.integers(0, STATES, shape), start, axis=-1)


def market(seed, tickers=TICKERS, planted=0.0):
    """Outcomes over the market by horizon and labels, shape (tickers, days) each.

    `planted` is added to what follows state 1 at ten days, and at no other horizon.

    A common factor, volatility whose logarithm is an AR(0.97), and labels of which half are of a
    regime that all tickers share: none of it knows anything of returns.
    """
    random = np.random.default_rng(seed)
    days = DAYS + max(HORIZONS)
    logs = np.zeros(days)
    for day in range(1, days):
        logs[day] = 0.97 * logs[day - 1] + 0.12 * random.normal()
    factor = 0.01 * np.exp(logs) * random.normal(size=days)
    load = random.normal(1, 0.4, (tickers, 1))
    noise = 0.02 * np.exp(logs / 2) * random.normal(size=(tickers, days))
    wealth = np.cumsum(load * factor + noise, axis=1)
    own, shared = persistent(random, (tickers, DAYS)), persistent(random, (1, DAYS))
    labels = np.where(random.random((tickers, 1)) < 0.5, own, shared)
    excess = {}
    for h in HORIZONS:
        gain = np.expm1(wealth[:, h : DAYS + h] - wealth[:, :DAYS])
        gain += planted * (labels == 1) * (h == 10)
        excess[h] = gain - gain.mean(axis=0)
    return labels, excess


def sums_of(labels, excess):
    sums = DateSums(np.arange(DAYS), STATES, [f"xs_{h}" for h in HORIZONS])
    days = np.tile(np.arange(DAYS), len(labels))
    sums.add(days, labels.reshape(-1), {f"xs_{h}": x.reshape(-1) for h, x in excess.items()})
    return {("xs", h): sums.of(f"xs_{h}") for h in HORIZONS}


def test_labels_that_tell_nothing_are_seldom_believed():
    rejected, covered, naive, placebo = [], [], [], []
    for seed in range(RUNS):
        labels, excess = market(seed)
        table = state_outcomes(
            sums_of(labels, excess), np.full(STATES, TICKERS), replications=400, seed=seed
        ).table
        rejected.append(table["p_stepdown"].min() < 0.05)
        covered += ((table["lo"] <= 0) & (table["hi"] >= 0)).to_list()
        naive += (table["mean"].abs() < 1.96 * table["se_naive"]).to_list()
        paths = [Path(*pair) for pair in zip(labels, excess[10], strict=True)]
        placebo.append(shifted_labels(paths, STATES, common_shifts(DAYS, 99, seed)).p)
    told = {
        "rejected": float(np.mean(rejected)),
        "covered": float(np.mean(covered)),
        "covered_naive": float(np.mean(naive)),
        "placebo_below_0.05": float(np.mean(np.array(placebo) <= 0.05)),
    }
    print(RUNS, told)
    # 12 % and 0.90, and three standard errors of so few runs; cells of a run hang together.
    assert told["rejected"] <= 0.12 + 3 * math.sqrt(0.12 * 0.88 / RUNS)
    assert told["covered"] >= 0.90 - 3 * math.sqrt(0.09 / RUNS / 2)
    assert told["placebo_below_0.05"] <= 0.06 + 3 * math.sqrt(0.06 / RUNS)
    assert told["covered_naive"] < told["covered"]


def test_20_basis_points_in_one_state_are_found_in_it_and_at_their_horizon():
    """A state that pays 20 bp over ten days: of all states and horizons it is the one that is found."""
    elsewhere = 0
    for seed in range(3):
        labels, excess = market(1000 + seed, tickers=500, planted=0.002)
        sums = sums_of(labels, excess)
        found = state_outcomes(sums, np.full(STATES, 500), replications=400, seed=seed).table
        best = found.sort("p_stepdown", pl.col("t").abs(), descending=[False, True]).row(
            0, named=True
        )
        assert (best["state"], best["h"]) == (1, 10)
        assert best["p_stepdown"] < 0.05 and best["mean"] > 0
        # Over the market, which holds the state too: 20 bp times the share of the other states.
        share = (labels == 1).mean()
        assert abs(best["mean"] - 0.002 * (1 - share)) < 4 * best["se_block"]
        elsewhere += bool((found.filter(h=1)["p_stepdown"] < 0.05).any())
        paths = [Path(*pair) for pair in zip(labels, excess[10], strict=True)]
        assert shifted_labels(paths, STATES, common_shifts(DAYS, 99, seed)).p <= 0.05
    assert elsewhere <= 1


def test_labels_that_saw_the_days_they_tell_of_are_believed_by_every_test():
    """Hindsight: no inference can tell it from skill, which is why such columns are refused."""
    _, excess = market(2000)
    labels = np.where(np.abs(excess[10]) < 0.02, 1, np.where(excess[10] > 0, 2, 0))
    found = state_outcomes(sums_of(labels, excess), np.full(STATES, TICKERS), replications=400)
    assert found.table.filter(h=10, state=2)["p_stepdown"][0] < 0.01
    with pytest.raises(ValidationError, match="later days in sight"):
        ValidationRequest(labels="run", column="hindsight_hmm_state")
